/* The portal's player: streams by HLS where it can, remembers the place on this device only, asks before spending traffic. */
(function () {
  'use strict';
  var box = document.querySelector('[data-player]');
  var media = box && box.querySelector('video, audio');
  if (!media) { return; }
  var told = box.dataset;
  var place = 'yuanjiao:' + told.uid;
  var hls = null, started = false, resumed = false;

  function show(name, yes) { var one = box.querySelector('[data-' + name + ']'); if (one) { one.hidden = !yes; } return one; }
  function clock(s) {
    s = Math.floor(s);
    var h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60, tail = (s % 60 < 10 ? '0' : '') + s % 60;
    return h ? h + ':' + (m < 10 ? '0' : '') + m + ':' + tail : m + ':' + tail;
  }

  /* -- the place, kept by this device alone -- */
  function kept() { try { return Number(localStorage.getItem(place)) || 0; } catch (e) { return 0; } }
  function keep(s) { try { if (s > 5) { localStorage.setItem(place, String(Math.floor(s))); } else { localStorage.removeItem(place); } } catch (e) { /* private browsing */ } }
  function nearEnd() { return media.duration && media.currentTime > media.duration - 5; }
  function remember() { if (started && resumed) { keep(nearEnd() ? 0 : media.currentTime); } }
  var last = 0;
  media.addEventListener('timeupdate', function () { if (Math.abs(media.currentTime - last) >= 3) { last = media.currentTime; remember(); } });
  media.addEventListener('pause', remember);
  media.addEventListener('ended', function () { keep(0); });
  window.addEventListener('pagehide', remember);
  media.addEventListener('loadedmetadata', function () {
    if (!resumed) { resumed = true; if (kept() && kept() < media.duration - 5) { media.currentTime = kept(); } }
  });
  if (kept()) {
    var note = show('resume', true);
    note.querySelector('span').textContent = '上次放到 ' + clock(kept()) + '，点播放接着放。';
    note.querySelector('button').addEventListener('click', function () { keep(0); note.hidden = true; media.currentTime = 0; media.play(); });
  }

  /* -- streaming -- */
  function mark(key) {
    box.querySelectorAll('[data-choice]').forEach(function (one) {
      if (one.dataset.choice === key) { one.setAttribute('aria-current', 'true'); } else { one.removeAttribute('aria-current'); }
    });
  }
  function streams() { return told.hls && media.tagName === 'VIDEO' && (told.mode === 'std' && !/[?&]v=std/.test(location.search) || told.low); }
  function plainly() {
    if (!hls) { return false; }
    var at = media.currentTime;
    hls.destroy(); hls = null;
    media.src = plain; media.currentTime = at;
    if (started) { media.play(); }
    mark(told.low ? 'low' : 'std');
    return true;
  }
  /* The library is larger than all the rest of the portal: it is fetched when somebody is about to play, not before. */
  var byScript = false, fetching = false, waiting = false;
  var source = media.querySelector('source'), plain = source && source.src;
  function letGo() { if (source) { source.remove(); source = null; media.load(); } } /* a narrow line has no room for both */
  function fetchLibrary() {
    if (fetching || !byScript) { return; }
    fetching = true;
    var library = document.createElement('script');
    library.src = told.library; library.onload = attach; library.onerror = giveUp;
    document.head.appendChild(library);
  }
  function giveUp() {
    byScript = false;
    if (!source) { media.src = plain; }
    if (waiting) { waiting = false; media.play(); }
  }
  function attach() {
    if (!window.Hls || !Hls.isSupported()) { giveUp(); return; }
    hls = new Hls({ autoStartLoad: false, capLevelToPlayerSize: true, maxBufferLength: 30 });
    hls.on(Hls.Events.MANIFEST_PARSED, function () { if (told.low) { hls.autoLevelCapping = 0; } if (started) { hls.startLoad(kept() || -1); } });
    hls.on(Hls.Events.ERROR, function (event, problem) {
      if (!problem.fatal) { return; }
      if (problem.type === Hls.ErrorTypes.MEDIA_ERROR && !hls.mended) { hls.mended = true; hls.recoverMediaError(); return; }
      if (!plainly()) { show('trouble', true); }
    });
    hls.loadSource(told.hls);
    hls.attachMedia(media);
    if (waiting) { waiting = false; media.play().catch(function () { /* a second tap then */ }); }
  }
  if (streams()) {
    if (window.MediaSource || window.ManagedMediaSource) {
      show('auto', true); byScript = true;
      box.setAttribute('data-streaming', 'hls.js');
      if (!told.low) { mark('auto'); }
      ['pointerenter', 'touchstart', 'focusin'].forEach(function (hint) { media.addEventListener(hint, fetchLibrary, { once: true, passive: true }); });
    } else if (media.canPlayType('application/vnd.apple.mpegurl')) {
      show('auto', true); media.src = told.hls; mark('auto'); box.setAttribute('data-streaming', 'native');
    }
  }
  box.querySelectorAll('[data-needs-script]').forEach(function (one) { one.hidden = !told.hls; });
  media.addEventListener('play', function () {
    if (!allowed()) { media.pause(); return; }
    if (byScript && !hls && !started) { waiting = true; media.pause(); letGo(); fetchLibrary(); return; }
    started = true; show('resume', false); show('trouble', false);
    if (hls && !hls.going) { hls.going = true; hls.startLoad(kept() || -1); }
  });

  /* -- Wi-Fi only (a setting of the device) -- */
  var agreed = false;
  function allowed() {
    var line = navigator.connection;
    if (agreed || !told.wifi || (line && (line.type === 'wifi' || line.type === 'ethernet'))) { return true; }
    show('ask', true);
    return false;
  }
  var ask = box.querySelector('[data-ask] button');
  if (ask) { ask.addEventListener('click', function () { agreed = true; show('ask', false); media.play(); }); }

  /* -- trouble -- */
  media.addEventListener('error', function () { if (!hls) { show('trouble', true); } }, true);
  var again = box.querySelector('[data-trouble] button');
  if (again) { again.addEventListener('click', function () { var at = kept(); show('trouble', false); media.load(); media.play(); if (at) { resumed = false; } }); }

  /* -- speed, sharing, keys -- */
  show('bar', true);
  var speed = box.querySelector('[data-speed]');
  speed.addEventListener('change', function () { media.playbackRate = media.defaultPlaybackRate = Number(speed.value); });
  if (navigator.share) {
    show('share', true).addEventListener('click', function () { navigator.share({ title: told.title, url: document.querySelector('link[rel=canonical]').href }).catch(function () {}); });
  }
  document.addEventListener('keydown', function (event) {
    var at = event.target;
    if (event.ctrlKey || event.altKey || event.metaKey || at === media || /^(INPUT|SELECT|TEXTAREA|BUTTON|A|SUMMARY)$/.test(at.tagName)) { return; }
    if (event.key === ' ' || event.key === 'k') { if (media.paused) { media.play(); } else { media.pause(); } }
    else if (event.key === 'ArrowLeft') { media.currentTime -= 5; }
    else if (event.key === 'ArrowRight') { media.currentTime += 5; }
    else { return; }
    event.preventDefault();
  });
}());
