/* A live programme on a box: by its own player where it has one for live lists, else by hls.js, fetched only then. ES3, as desks/tv.js,
   which sets its own "onerror" and "onended" before. */
window.onload = function () {
  var film = document.getElementById('film'), message = document.getElementById('message');
  if (!film) { return; }
  var address = film.getAttribute('data-live'), seen = false;
  var playing = film.onplaying;
  film.onplaying = function () { seen = true; if (playing) { playing(); } };
  function say(what) { message.innerHTML = film.getAttribute(what); message.style.display = 'block'; }
  function lost() {
    say(seen ? 'data-lost' : 'data-waiting');
    setTimeout(function () {
      film.src = address;
      var begun = film.play();
      if (begun && begun['catch']) { begun['catch'](function () { /* its error comes by itself */ }); }
    }, 5000);
  }
  function begin() {
    var player = new window.Hls({ liveSyncDurationCount: 3 });
    player.on(window.Hls.Events.ERROR, function (event, fault) {
      if (!fault.fatal) { return; }
      if (fault.type === 'mediaError') { player.recoverMediaError(); return; }
      say(seen ? 'data-lost' : 'data-waiting');
      setTimeout(function () { player.loadSource(address); }, 3000);
    });
    player.on(window.Hls.Events.FRAG_BUFFERED, function () { message.style.display = 'none'; });
    player.loadSource(address);
    player.attachMedia(film);
  }
  if (window.MediaSource && !film.canPlayType('application/vnd.apple.mpegurl')) {
    film.onerror = null;
    film.removeAttribute('src');
    say('data-waiting');
    var script = document.createElement('script');
    script.src = film.getAttribute('data-hls');
    script.onload = begin;
    document.body.appendChild(script);
  } else {
    film.onerror = lost;
    if (film.error) { lost(); }
  }
  film.onended = function () { setTimeout(function () { window.location.reload(); }, 3000); };
};
