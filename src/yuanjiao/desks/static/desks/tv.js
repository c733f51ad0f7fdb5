/* Keys of a remote control on plain links. ES3 on purpose: boxes of 2008 read this. Key codes come from the page (data-keys). */
(function () {
  var body = document.body, keys = {}, film = document.getElementById('film'), hide = 0;
  var pairs = (body.getAttribute('data-keys') || '').split(' ');
  for (var n = 0; n < pairs.length; n++) { var pair = pairs[n].split(':'); keys[pair[0]] = pair[1]; }

  function links() {
    var all = document.getElementsByTagName('a'), shown = [];
    for (var i = 0; i < all.length; i++) { if (all[i].href && all[i].offsetWidth > 0) { shown.push(all[i]); } }
    return shown;
  }
  function place(link) {
    var x = link.offsetWidth / 2, y = link.offsetHeight / 2;
    for (var at = link; at; at = at.offsetParent) { x += at.offsetLeft; y += at.offsetTop; }
    return { x: x, y: y };
  }
  var current = null;
  function focus(link) {
    if (!link) { return; }
    if (current) { current.className = current.className.replace(/ on$/, ''); }
    current = link;
    link.className += ' on';
    try { link.focus(); } catch (ignored) { /* a box without focus() still shows the frame */ }
  }
  function move(dx, dy) {
    if (!current) { focus(links()[0]); return; }
    var from = place(current), all = links(), best = null, least = 1e9;
    for (var i = 0; i < all.length; i++) {
      var to = place(all[i]), along = (to.x - from.x) * dx + (to.y - from.y) * dy;
      var across = Math.abs((to.x - from.x) * dy) + Math.abs((to.y - from.y) * dx);
      /* what lies straight ahead comes before what is merely near */
      if (along > 8 && along + across * 3 < least) { least = along + across * 3; best = all[i]; }
    }
    focus(best);
  }
  function go(link) {
    if (!link) { return; }
    if (link.id === 'aloud') { aloud(); return; }
    window.location.href = link.href;
  }
  function byDigit(digit) {
    var all = links();
    for (var i = 0; i < all.length; i++) { if (all[i].getAttribute('accesskey') === digit) { focus(all[i]); go(all[i]); return true; } }
    return false;
  }
  function back() {
    var link = document.getElementById('back');
    if (link) { window.location.href = link.href; }
  }

  function aloud() {
    var voice = new window.SpeechSynthesisUtterance(document.getElementById('title').textContent + '。' + document.getElementById('summary').textContent);
    voice.lang = 'zh-CN';
    window.speechSynthesis.cancel();
    window.speechSynthesis.speak(voice);
  }

  /* The film: OK stops and goes on, left and right jump, the strip shows itself for a while. */
  function clock(s) { s = Math.floor(s || 0); return Math.floor(s / 60) + ':' + (s % 60 < 10 ? '0' : '') + s % 60; }
  function strip(shown) { document.getElementById('strip').style.display = shown ? 'block' : 'none'; }
  function peek() {
    strip(true);
    document.getElementById('now').innerHTML = clock(film.currentTime) + (isFinite(film.duration) && film.duration > 0 ? ' / ' + clock(film.duration) : '') + (film.paused ? ' 已停' : '');
    window.clearTimeout(hide);
    hide = window.setTimeout(function () { if (!film.paused) { strip(false); } }, 4000);
  }
  function say(words) {
    var message = document.getElementById('message');
    message.innerHTML = words;
    message.style.display = words ? 'block' : 'none';
  }
  function start() {
    var answer = film.play();
    if (answer && answer.then) { answer.then(null, function () { if (!film.error) { say('按确定键播放'); } }); }
  }
  function onFilm(action) {
    if (action === 'ok') { if (film.paused) { start(); } else { film.pause(); } }
    else if (action === 'left' || action === 'page_up') { film.currentTime = Math.max(0, film.currentTime - 15); }
    else if (action === 'right' || action === 'page_down') { if (isFinite(film.duration) && film.duration > 0) { film.currentTime = Math.min(film.duration - 1, film.currentTime + 15); } }
    else if (action !== 'up' && action !== 'down') { return false; }
    peek();
    return true;
  }
  /* Counted as played to its end, once a page and nothing of who plays: near the end is the end, credits are left out. */
  var told = false;
  function tellEnd() {
    var address = document.getElementById('screen').getAttribute('data-plays');
    if (told || !address) { return; }
    told = true;
    try {
      if (navigator.sendBeacon) { navigator.sendBeacon(address); return; }
      var call = new XMLHttpRequest();
      call.open('POST', address, true);
      call.send('');
    } catch (ignored) { /* a box that cannot tell still plays */ }
  }
  if (film && film.play) {
    film.removeAttribute('controls');
    film.onended = function () { tellEnd(); back(); };
    film.ontimeupdate = function () { if (film.duration > 20 && film.currentTime > 0.95 * film.duration) { tellEnd(); } };
    film.onplaying = function () { say(''); peek(); };
    film.onwaiting = function () { say('正在缓冲，请稍等'); };
    film.onerror = function () { say('这个盒子放不了这个文件，请按返回键'); };
    start();
  }

  /* A classroom's whiteboard: the canvas fills the screen, the film answers a finger. */
  var canvas = document.getElementById('canvas');
  function fit() {
    var factor = Math.min(window.innerWidth / canvas.offsetWidth, window.innerHeight / canvas.offsetHeight);
    var left = (window.innerWidth - canvas.offsetWidth * factor) / 2, top = (window.innerHeight - canvas.offsetHeight * factor) / 2;
    canvas.style.margin = '0';
    canvas.style.transform = 'translate(' + left + 'px, ' + top + 'px) scale(' + factor + ')';
  }
  function press(id, work) {
    var link = document.getElementById(id);
    if (link) { link.style.display = 'block'; link.onclick = function () { work(); return false; }; }
  }
  function whole() {
    if (document.fullscreenElement) { document.exitFullscreen(); } else { document.documentElement.requestFullscreen(); }
  }
  if (/ touch /.test(' ' + body.className + ' ')) {
    document.documentElement.style.overflow = 'hidden';
    fit();
    window.onresize = fit;
    press('pause', function () { onFilm('ok'); });
    press('rewind', function () { onFilm('left'); });
    press('forward', function () { onFilm('right'); });
    if (document.fullscreenEnabled) { press('whole', whole); }
    if (film) { film.onclick = function () { onFilm('ok'); }; }
  }

  var steps = { up: [0, -1], down: [0, 1], left: [-1, 0], right: [1, 0] };
  function act(action) {
    if (action === 'back') { back(); return true; }
    if (action === 'home') { window.location.href = body.getAttribute('data-home'); return true; }
    if (film && film.play && onFilm(action)) { return true; }
    if (steps[action]) { move(steps[action][0], steps[action][1]); return true; }
    if (action === 'ok') { go(current); return true; }
    if (action === 'page_up' || action === 'page_down') { go(document.getElementById(action === 'page_up' ? 'before' : 'after')); return true; }
    return byDigit(action);
  }
  document.onkeydown = function (event) {
    event = event || window.event;
    var action = keys[event.keyCode || event.which];
    if (!action || event.ctrlKey || event.altKey) { return true; }
    if (!act(action)) { return true; }
    if (event.preventDefault) { event.preventDefault(); }
    return false;
  };
  var reader = document.getElementById('aloud');
  if (window.speechSynthesis && window.SpeechSynthesisUtterance && reader) {
    reader.style.display = 'block';
    reader.onclick = function () { aloud(); return false; };  /* a whiteboard is touched */
  }
  var turn = /tv-read/.test(body.className) && (document.getElementById('after') || document.getElementById('before'));
  focus(document.getElementById(window.location.hash.substring(1)) || turn || links()[0]);
}());
