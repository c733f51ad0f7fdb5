// A live programme on the portal: plays by hls.js, says when the signal is lost, goes on by itself when it comes back.
(function () {
  var film = document.getElementById("live"), message = document.getElementById("live-message"), wait = document.querySelector("[data-again]");
  if (wait) setTimeout(function () { location.reload(); }, 1000 * wait.getAttribute("data-again"));
  if (!film) return;
  var address = film.getAttribute("data-live"), grown = Date.now(), last = -1, over = false;
  function say(what) { message.textContent = what ? message.getAttribute("data-" + what) : ""; }
  film.addEventListener("ended", function () { over = true; say("over"); });
  function playItself() { // telephones whose own player takes live lists: after an error it does nothing more by itself
    var seen = false;
    film.addEventListener("playing", function () { seen = true; say(""); });
    film.addEventListener("error", function () {
      if (over) return;
      say(seen ? "lost" : "waiting");
      setTimeout(function () {
        film.src = address;
        var begun = film.play();
        if (begun) begun.catch(function () { /* wants a touch first, or its error comes by itself */ });
      }, 4000);
    });
    film.src = address;
  }
  if (!window.Hls || !window.Hls.isSupported()) {
    if (film.canPlayType("application/vnd.apple.mpegurl")) playItself(); else say("unable");
    return;
  }
  var player = new window.Hls({ liveSyncDurationCount: 3 });
  window.livePlayer = player;
  player.on(window.Hls.Events.LEVEL_UPDATED, function (_event, told) {
    var list = told.details;
    if (list.endSN > last) { last = list.endSN; grown = Date.now(); say(""); }
    if (!list.live) over = true;
  });
  player.on(window.Hls.Events.ERROR, function (_event, fault) {
    if (!fault.fatal) return;
    if (fault.type === "mediaError") { player.recoverMediaError(); return; }
    say(last < 0 ? "waiting" : "lost");
    setTimeout(function () { player.loadSource(address); }, 3000);
  });
  setInterval(function () { if (!over && last >= 0 && Date.now() - grown > 8000) say("lost"); }, 1000);
  player.loadSource(address);
  player.attachMedia(film);
  film.play && film.play().catch(function () { /* a browser that wants a touch first */ });
})();
