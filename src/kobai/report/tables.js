// Sorts a table by the column whose head is pressed, copies it, and shows the column that decides.
(function () {
  "use strict";

  const missing = (text) => ["", "–"].includes(text);
  const number = (text) => {
    const found = text.match(/^[^\p{L}\d.+−-]*([+−-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/u);
    return found ? Number(found[1].replace("−", "-")) * (text.startsWith(">") ? 1 + 1e-9 : 1) : NaN;
  };
  const text = (cell) => cell.innerText.trim();
  const key = (cell) => cell.dataset.sort ?? text(cell);

  function sort(head) {
    const body = head.closest("table").tBodies[0];
    const column = [...head.parentNode.children].indexOf(head);
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].map((row) => [row, key(row.cells[column])]);
    const numeric = rows.filter(([, value]) => !isNaN(number(value))).length * 2 > rows.length;
    const lacks = (value) => missing(value) || (numeric && isNaN(number(value)));
    const compare = ([, a], [, b]) => {
      if (lacks(a) || lacks(b)) return lacks(a) - lacks(b); // what is missing stands last, either way
      const order = numeric ? number(a) - number(b) : a.localeCompare(b);
      return up ? order : -order;
    };
    rows.sort(compare).forEach(([row]) => body.append(row));
  }

  const cells = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => text(cell).replace(/\s+/g, " ")));

  const write = {
    markdown(table) {
      const [heads, ...rows] = cells(table).map((row) => row.map((cell) => cell.replace(/[\\|]/g, "\\$&")));
      const marks = [...table.rows[0].cells].map((cell) => (cell.classList.contains("left") ? ":--" : "--:"));
      return [heads, marks, ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
    },
    csv(table) {
      const quoted = (cell) => (/[",]/.test(cell) ? `"${cell.replace(/"/g, '""')}"` : cell);
      return cells(table).map((row) => `${row.map(quoted).join(",")}\n`).join("");
    },
  };

  async function copy(button, table) {
    const letters = write[button.dataset.copy](table);
    try {
      await navigator.clipboard.writeText(letters);
    } catch {
      // Where a page may not write to the clipboard, a selection can be copied.
      const area = document.createElement("textarea");
      area.value = letters;
      button.after(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = before), 2000);
  }

  for (const box of document.querySelectorAll(".scroll")) {
    const table = box.querySelector("table");
    for (const head of table.tHead.rows[0].cells) {
      if (!head.querySelector("button")) {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...head.childNodes);
        head.append(button);
      }
      head.querySelector("button").addEventListener("click", () => sort(head));
    }
    if (table.tBodies[0].rows.length < 2) continue;
    const tools = document.getElementById("of-table").content.cloneNode(true);
    for (const button of tools.querySelectorAll("button")) {
      button.addEventListener("click", () => copy(button, table));
    }
    box.after(tools);
  }

  // On a narrow page the column that decides stands beside the first, which does not scroll.
  for (const head of document.querySelectorAll("th.deciding")) {
    const box = head.closest(".scroll");
    if (head.offsetLeft + head.offsetWidth > box.clientWidth) {
      box.scrollLeft = head.offsetLeft - head.parentNode.firstElementChild.offsetWidth;
    }
  }
})();
