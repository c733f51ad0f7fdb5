// A channel on the portal: hls.js where the browser has no player of its own for live lists.
(function () {
  var film = document.getElementById("live"), message = document.getElementById("live-message");
  if (!film) return;
  var address = film.getAttribute("data-live");
  if (window.Hls && window.Hls.isSupported()) {
    var player = new window.Hls({ liveSyncDurationCount: 3 });
    window.livePlayer = player;
    player.on(window.Hls.Events.ERROR, function (_event, fault) {
      if (!fault.fatal) return;
      if (fault.type === "mediaError") { player.recoverMediaError(); return; }
      message.textContent = "节目暂时收不到，稍后自动再试。";
      setTimeout(function () { message.textContent = ""; player.loadSource(address); }, 5000);
    });
    player.loadSource(address);
    player.attachMedia(film);
  } else if (film.canPlayType("application/vnd.apple.mpegurl")) {
    film.src = address;
  } else {
    message.textContent = "这个浏览器不能连续收看频道，可以点开正在播的课件单独看。";
  }
})();
