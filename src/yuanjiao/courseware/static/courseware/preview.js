// Preview of an item: hls.js where the browser has no HLS of its own; without script the progressive file plays.
(function () {
  "use strict";
  var video = document.getElementById("preview");
  if (!video || !video.dataset.stream) { return; }
  var stream = video.dataset.stream;
  if (window.Hls && window.Hls.isSupported()) {
    var started = false;
    var hls = new window.Hls({ autoStartLoad: false });
    hls.loadSource(stream);
    hls.attachMedia(video);
    hls.on(window.Hls.Events.ERROR, function (event, problem) {
      if (problem.fatal) { hls.destroy(); video.load(); }
    });
    // nothing is fetched before somebody wants to look
    video.addEventListener("play", function () { if (!started) { started = true; hls.startLoad(); } });
  } else if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.src = stream;
  }
})();
