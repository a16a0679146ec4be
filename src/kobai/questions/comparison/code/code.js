// Shows the program of one framework at a time, and copies it. Without JavaScript all stand below one another.
(function () {
  "use strict";

  const tabs = [...document.querySelectorAll(".code [role=tab]")];
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  function choose(chosen) {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panelOf(tab).hidden = tab !== chosen;
    }
  }

  function step(event) {
    const here = tabs.indexOf(event.target);
    const place = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: -1 }[event.key];
    if (place === undefined) return;
    event.preventDefault();
    const next = tabs[(place + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  }

  async function copy(button) {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // Where a page may not write to the clipboard, a selection can be copied.
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = before), 2000);
  }

  document.querySelectorAll(".code .tabs, .code .copy").forEach((element) => (element.hidden = false));
  tabs.forEach((tab) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", step);
  });
  document.querySelectorAll(".code .copy").forEach((button) => {
    button.addEventListener("click", () => copy(button));
  });
  if (tabs.length) choose(tabs[0]);
})();
