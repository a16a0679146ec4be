// Plays the paths.
(function () {
  "use strict";

  const figures = JSON.parse(document.getElementById("data").textContent);
  const plot = document.querySelector('[data-figure="paths"]');
  const seconds = 8;

  function playing() {
    const { data, layout } = figures.paths;
    const steps = layout.meta.steps;
    const button = document.getElementById("play");
    const slider = document.getElementById("step");
    const shown = document.getElementById("shown");
    // A line and the marker at its end stand one after the other, with one name.
    const lines = data.flatMap((trace, i) => (trace.mode === "lines+markers" ? [i] : []));
    const reduced = matchMedia("(prefers-reduced-motion: reduce)");
    let timer = null;

    function show(frame) {
      slider.value = frame;
      shown.textContent = shown.dataset.text.replace("{step}", steps[frame]);
      slider.setAttribute("aria-valuetext", shown.textContent);
      const changes = { x: [], y: [], customdata: [] };
      const traces = [];
      for (const i of lines) {
        for (const key of ["x", "y", "customdata"]) {
          const values = data[i][key].slice(0, frame + 1);
          changes[key].push(values, values.slice(-1));
        }
        traces.push(i, i + 1);
      }
      Plotly.restyle(plot, changes, traces);
    }

    function pause() {
      clearTimeout(timer);
      timer = null;
      button.textContent = button.dataset.play;
    }

    // Slow at first, where the paths differ: the frames grow with the square of the time.
    function play() {
      const last = steps.length - 1;
      const from = Number(slider.value) >= last ? 0 : Number(slider.value);
      const began = performance.now() - Math.sqrt(from / last) * seconds * 1000;
      button.textContent = button.dataset.pause;
      (function next() {
        const part = (performance.now() - began) / (seconds * 1000);
        const frame = Math.min(last, Math.max(from, Math.floor(last * part * part))); // rounding must not go back
        show(frame);
        if (frame < last) timer = setTimeout(next, reduced.matches ? 500 : 40);
        else pause();
      })();
    }

    slider.max = steps.length - 1;
    show(steps.length - 1);
    button.addEventListener("click", () => (timer === null ? play() : pause()));
    slider.addEventListener("input", () => {
      pause();
      show(Number(slider.value));
    });
  }

  if (plot) addEventListener("drawn", playing);
})();
