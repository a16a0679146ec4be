// Draws the figures, gives them the colours of the page (light, dark, paper) and the arrangement that fits
// its width, and lets the buttons hide and show optimizers.
(function () {
  "use strict";

  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("data").textContent);
  const plots = [...document.querySelectorAll(".plot")];
  const narrow = matchMedia("(max-width: 700px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)");

  function look(name) {
    const layout = figures[name].layout;
    const style = getComputedStyle(root);
    const colour = (variable) => style.getPropertyValue(variable).trim();
    const changes = {
      ...layout.meta[narrow.matches ? "narrow" : "wide"],
      "font.color": colour("--quiet"),
      "font.family": style.getPropertyValue("--letters").trim(),
    };
    if (layout.coloraxis) {
      const [low, high] = layout.meta.scale || ["--fast", "--never"];
      changes["coloraxis.colorscale"] = [[0, colour(low)], [1, colour(high)]];
    }
    return changes;
  }

  function draw(plot) {
    const { data, layout } = figures[plot.dataset.figure];
    // A finger that drags scrolls the page; a mouse that drags enlarges a part.
    const dragmode = touch.matches ? false : "zoom";
    const config = { responsive: true, displayModeBar: false, displaylogo: false };
    Plotly.newPlot(plot, data, { ...layout, dragmode }, config);
    paint(plot);
  }

  function paint(plot, more = {}) {
    const letters = getComputedStyle(root).getPropertyValue("--ink").trim();
    Plotly.update(plot, { "textfont.color": letters }, { ...look(plot.dataset.figure), ...more });
  }

  function repaint() {
    plots.forEach((plot) => paint(plot));
  }

  function toggle(button) {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    for (const plot of plots) {
      const traces = plot.data.flatMap((trace, i) => (trace.meta === button.dataset.name ? [i] : []));
      if (traces.length) Plotly.restyle(plot, { visible: shown }, traces);
    }
  }

  plots.forEach(draw);
  narrow.addEventListener("change", repaint);
  dark.addEventListener("change", repaint);
  document.querySelectorAll(".chips button").forEach((button) => {
    button.addEventListener("click", () => toggle(button));
  });

  // On paper: dark letters on white, and no wider than a sheet.
  addEventListener("beforeprint", () => {
    root.classList.add("paper");
    document.querySelectorAll("details").forEach((details) => (details.open = true));
    plots.forEach((plot) => paint(plot, { autosize: false, width: 680 }));
  });
  addEventListener("afterprint", () => {
    root.classList.remove("paper");
    plots.forEach((plot) => paint(plot, { autosize: true, width: null }));
  });
})();
