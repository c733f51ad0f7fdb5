/* Keeps the screen fresh: the server says "something changed", the body is fetched anew. Without it the page asks every half minute;
   without script it reloads itself. A screen that gets no answer says so: an old picture must never pass for the present one. */
(function () {
  "use strict";
  var OFTEN_MS = 5000, SELDOM_MS = 30000, STALE_MS = 90000;
  var canvas = document.getElementById("canvas"), stale = document.getElementById("stale");
  var source = null, waiting = 0, fetched = Date.now();

  function refresh() { waiting = 0; window.htmx.trigger(canvas, "changed"); }
  function soon() { if (!waiting) { waiting = setTimeout(refresh, Math.max(0, fetched + OFTEN_MS - Date.now())); } }
  function listen() {
    if (!window.EventSource || source) { return; }
    source = new EventSource(canvas.dataset.events);
    source.onmessage = soon;
    source.addEventListener("changed", soon);
    source.onerror = function () { if (source.readyState === 2) { hush(); setTimeout(listen, SELDOM_MS * 2); } };
  }
  function hush() { if (source) { source.close(); source = null; } }
  function shownTime() { var time = canvas.querySelector("time"); return time ? time.textContent : ""; }
  function watch() {
    if (Date.now() - fetched >= SELDOM_MS) { soon(); }
    stale.hidden = Date.now() - fetched < STALE_MS;
    stale.querySelector("b").textContent = shownTime();
  }
  canvas.addEventListener("htmx:beforeSwap", function (event) {
    /* Somebody logged this screen out: the answer is another page. */
    if (event.detail.xhr.responseURL && new URL(event.detail.xhr.responseURL).pathname !== location.pathname) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  canvas.addEventListener("htmx:afterSwap", function () { fetched = Date.now(); watch(); });
  document.addEventListener("visibilitychange", function () { if (document.hidden) { hush(); } else { listen(); soon(); } });
  window.addEventListener("pagehide", hush);
  setInterval(watch, 5000);
  listen();
})();
