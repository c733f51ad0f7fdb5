/* Draws the trend after the first load and after every swap; the page says everything without it. */
(function () {
  "use strict";
  function draw() {
    var place = document.getElementById("trend"), rows = document.getElementById("trend-rows");
    if (!place || !rows || !window.echarts) { return; }
    var data = JSON.parse(rows.textContent), size = parseFloat(getComputedStyle(document.documentElement).fontSize);
    var known = data.rates.filter(function (rate) { return rate !== null; });
    var chart = window.echarts.init(place);
    chart.setOption({
      animation: false,
      grid: { left: size * 3.4, right: size, top: size, bottom: size * 2 },
      tooltip: { trigger: "axis", valueFormatter: function (rate) { return rate === null ? "不明" : rate + "%"; } },
      xAxis: { type: "category", data: data.hours, axisLabel: { color: "#9cc0f5", fontSize: size * 0.8 } },
      yAxis: {
        type: "value", max: 100, min: known.length ? Math.max(0, Math.floor(Math.min.apply(null, known)) - 2) : 0,
        axisLabel: { color: "#9cc0f5", fontSize: size * 0.8, formatter: "{value}%" }, splitLine: { lineStyle: { color: "#17396e" } }
      },
      series: [{ type: "line", data: data.rates, symbolSize: size * 0.35, lineStyle: { width: 3, color: "#4ad0ff" }, itemStyle: { color: "#4ad0ff" }, areaStyle: { color: "rgba(74,208,255,.15)" } }]
    });
    if (!known.length) { place.textContent = "这 24 小时的记录还不足以出数。"; place.style.color = "#9cc0f5"; }
  }
  window.addEventListener("load", draw);
  window.addEventListener("resize", draw);
  document.addEventListener("htmx:afterSwap", draw);
})();
