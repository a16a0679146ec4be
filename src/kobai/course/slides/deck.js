// Starts the slides, and draws the figures of a slide when it is shown first: before that it has no size.
(function () {
  "use strict";

  const figures = JSON.parse(document.getElementById("data").textContent);

  function draw(slide) {
    for (const plot of slide ? slide.querySelectorAll(".plot:not(.drawn)") : []) {
      const { data, layout } = figures[plot.dataset.figure];
      const font = { ...layout.font, size: 16, color: "#59616b" };
      Plotly.newPlot(plot, data, { ...layout, height: plot.clientHeight, width: plot.clientWidth, font },
        { displayModeBar: false, displaylogo: false });
      plot.classList.add("drawn");
    }
  }

  function isFull(slide) {
    return slide.scrollHeight > slide.clientHeight + 1 || slide.scrollWidth > slide.clientWidth + 1;
  }

  // What is a little too large becomes a little smaller; a figure keeps its place.
  function fit(slide) {
    for (let size = 29; slide && isFull(slide) && size >= 18; size--) {
      slide.style.fontSize = `${size}px`;
      slide.querySelectorAll("pre").forEach((pre) => (pre.style.fontSize = `${size - 9}px`));
    }
  }

  function show(event) {
    fit(event.currentSlide);
    draw(event.currentSlide);
  }

  const deck = new Reveal({
    width: 1280, height: 720, margin: 0.02, center: false, hash: true, slideNumber: "c/t", transition: "none",
    viewDistance: 2,
  });
  deck.on("ready", show);
  deck.on("slidechanged", show);
  deck.initialize();
  window.deck = deck;
})();
