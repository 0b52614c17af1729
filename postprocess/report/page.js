(function () {
  "use strict";
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const charts = [...document.querySelectorAll(".chart")];

  function resolved(value, style) {  // replaces "var(--name)" by the colour that the page has for this name now
    if (typeof value === "string" && value.startsWith("var(--")) return style.getPropertyValue(value.slice(4, -1)).trim();
    if (Array.isArray(value)) return value.map((item) => resolved(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, style)]));
    }
    return value;
  }

  function draw(chart, width) {
    const figure = resolved(figures[chart.dataset.figure], getComputedStyle(document.documentElement));
    const layout = width ? { ...figure.layout, width } : figure.layout;
    Plotly.react(chart, figure.data, layout, { displayModeBar: false, responsive: !width });
  }

  function drawSoon(rest) {  // draws one chart after the other, so that the page stays readable meanwhile
    if (!rest.length) return;
    draw(rest[0]);
    setTimeout(() => drawSoon(rest.slice(1)), 0);
  }

  drawSoon(charts);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawSoon(charts));
  window.addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    document.querySelectorAll("details").forEach((part) => { part.open = true; });
    charts.forEach((chart) => draw(chart, chart.closest(".cards") ? 300 : 660));
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    drawSoon(charts);
  });
})();
