// Draws the figures once the page can be read, gives them the colours of the page (light, dark, paper) and the
// arrangement that fits its width. Buttons choose optimizers, their single runs and the horizontal axis.
(function () {
  "use strict";

  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("data").textContent);
  const plots = [...document.querySelectorAll(".plot")];
  const waiting = new Set(plots);
  const narrow = matchMedia("(max-width: 700px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)");
  const colour = (variable) => getComputedStyle(root).getPropertyValue(variable).trim();

  function look(name) {
    const layout = figures[name].layout;
    const changes = {
      ...layout.meta[narrow.matches ? "narrow" : "wide"],
      "font.color": colour("--quiet"),
      "font.family": colour("--letters"),
    };
    if (layout.coloraxis) {
      const [low, high] = layout.meta.scale || ["--fast", "--never"];
      changes["coloraxis.colorscale"] = [[0, colour(low)], [1, colour(high)]];
    }
    return changes;
  }

  function draw(plot) {
    if (!waiting.delete(plot)) return;
    if (!window.Plotly) run(document.getElementById("plotly").textContent);
    const { data, layout } = structuredClone(figures[plot.dataset.figure]); // which Plotly changes
    // A finger that drags scrolls the page; a mouse that drags enlarges a part.
    const dragmode = touch.matches ? false : "zoom";
    const config = { responsive: true, displayModeBar: false, displaylogo: false };
    Plotly.newPlot(plot, data, { ...layout, dragmode }, config);
    paint(plot);
  }

  // Plotly is large: as a script of the page it would keep the reader waiting for the text above the figures.
  function run(text) {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
  }

  function drawNext() {
    const [plot] = waiting;
    if (plot) draw(plot);
    if (waiting.size) setTimeout(drawNext);
    else dispatchEvent(new Event("drawn"));
  }

  function paint(plot, more = {}) {
    if (waiting.has(plot)) return;
    const fields = plot.data.flatMap((trace, i) => (trace.type === "heatmap" ? [i] : []));
    if (fields.length) Plotly.restyle(plot, { "textfont.color": colour("--ink") }, fields);
    Plotly.relayout(plot, { ...look(plot.dataset.figure), ...more });
  }

  function repaint() {
    plots.forEach((plot) => paint(plot));
  }

  // Buttons that choose optimizers: they hide lines or, where there are more lines than colours, make them grey.
  const owner = (trace) => (Array.isArray(trace.meta) ? trace.meta[1] : trace.meta);
  const isRuns = (trace) => Array.isArray(trace.meta);

  function restyle(plot, which, change) {
    draw(plot);
    const traces = plot.data.flatMap((trace, i) => (which(trace) ? [i] : []));
    if (traces.length) Plotly.restyle(plot, change, traces);
  }

  function toggle(button) {
    const chosen = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(chosen));
    for (const plot of plots) show(plot, button.dataset.name, chosen, "many" in button.parentNode.dataset);
  }

  function show(plot, name, chosen, many) {
    const own = (trace) => owner(trace) === name && !isRuns(trace);
    if (!many) return restyle(plot, own, { visible: chosen });
    const isLine = (trace) => own(trace) && trace.mode.startsWith("lines") && trace.fill === undefined;
    restyle(plot, (trace) => own(trace) && !isLine(trace), { visible: chosen });
    const line = figures[plot.dataset.figure].data.find(isLine);
    if (line) {
      const ink = chosen ? line.line.color : colour("--line");
      restyle(plot, isLine, { "line.color": ink });
    }
  }

  function toggleRuns(button) {
    const chosen = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(chosen));
    for (const plot of plots) {
      restyle(plot, (trace) => isRuns(trace) && owner(trace) === button.dataset.runs, { visible: chosen });
    }
  }

  // What the horizontal axis counts: steps, epochs or seconds.
  function placed(unit, name, x) {
    if (x === null) return null;
    if (unit.scale) return x * unit.scale;
    const [from, to] = unit.knots[name];
    const i = Math.max(1, from.findIndex((mark) => mark >= x));
    const part = (x - from[i - 1]) / (from[i] - from[i - 1]);
    return to[i - 1] + Math.min(1, part) * (to[i] - to[i - 1]);
  }

  function along(plot, unit) {
    draw(plot);
    const { data, layout } = figures[plot.dataset.figure];
    const names = data.map(owner).filter(Boolean);
    const last = Math.max(...names.map((name) => placed(unit, name, layout.xaxis.range[1])));
    const x = data.map((trace) =>
      trace.mode === "markers+text" ? [last] : trace.x.map((value) => placed(unit, owner(trace), value)),
    );
    const changes = {};
    for (const axis of Object.keys(layout).filter((key) => key.startsWith("xaxis"))) {
      changes[`${axis}.range`] = [0, last];
      changes[`${axis}.title.text`] = unit.title;
    }
    Plotly.update(plot, { x }, changes);
  }

  function offerUnits(plot) {
    const units = figures[plot.dataset.figure].layout.meta.along;
    if (!units || units.length < 2) return;
    const group = document.createElement("div");
    group.className = "tools units";
    group.setAttribute("role", "group");
    units.forEach((unit, i) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: unit.unit });
      button.setAttribute("aria-pressed", String(i === 0));
      button.addEventListener("click", () => {
        for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
        along(plot, unit);
      });
      group.append(button);
    });
    plot.before(group);
  }

  // Each figure as a file, on the ground of the page.
  function offerFiles(plot) {
    const tools = document.getElementById("of-figure").content.cloneNode(true);
    for (const button of tools.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        draw(plot);
        const { clientWidth: width, clientHeight: height } = plot;
        const layout = { ...plot.layout, paper_bgcolor: colour("--ground") };
        const filename = `kobai-${plot.dataset.figure}`;
        Plotly.downloadImage({ data: plot.data, layout }, { format: button.dataset.format, filename, width, height });
      });
    }
    plot.after(tools);
  }

  plots.forEach((plot) => {
    offerUnits(plot);
    offerFiles(plot);
  });
  document.querySelectorAll(".chips [data-name]").forEach((button) => {
    button.addEventListener("click", () => toggle(button));
  });
  document.querySelectorAll("[data-runs]").forEach((button) => {
    button.addEventListener("click", () => toggleRuns(button));
  });
  addEventListener("drawn", () => {
    document.querySelectorAll(".chips[data-many] [aria-pressed=false]").forEach((button) => {
      plots.forEach((plot) => show(plot, button.dataset.name, false, true));
    });
  });
  narrow.addEventListener("change", repaint);
  dark.addEventListener("change", repaint);
  requestAnimationFrame(() => setTimeout(drawNext));

  // On paper: dark letters on white, and no wider than a sheet.
  addEventListener("beforeprint", () => {
    root.classList.add("paper");
    document.querySelectorAll("details").forEach((details) => (details.open = true));
    plots.forEach(draw);
    plots.forEach((plot) => paint(plot, { autosize: false, width: 680 }));
  });
  addEventListener("afterprint", () => {
    root.classList.remove("paper");
    plots.forEach((plot) => paint(plot, { autosize: true, width: null }));
  });
})();
