/* Keeping chosen items on this device: a button on the item's page, a list on the page of what is kept. Nothing of it goes to the server. */
(function () {
  'use strict';
  var KEPT = 'yuanjiao-kept', LIST = 'yuanjiao:kept';
  var can = 'serviceWorker' in navigator && 'caches' in window && window.ReadableStream && window.TransformStream;
  function show(one, yes) { if (one) { one.hidden = !yes; } return one; }
  function list() { try { return JSON.parse(localStorage.getItem(LIST)) || []; } catch (e) { return []; } }
  function write(entries) { localStorage.setItem(LIST, JSON.stringify(entries)); }
  function entryOf(uid) { return list().filter(function (one) { return one.uid === uid; })[0]; }
  function size(bytes) { return bytes < 1e6 ? Math.max(1, Math.round(bytes / 1e3)) + ' KB' : (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0) + ' MB'; }

  async function forget(uid) {
    var entry = entryOf(uid), rest = list().filter(function (one) { return one.uid !== uid; });
    if (!entry) { return; }
    var needed = [].concat.apply([], rest.map(function (one) { return one.files; }));
    var cache = await caches.open(KEPT);
    await Promise.all(entry.files.filter(function (file) { return needed.indexOf(file) < 0; }).map(function (file) { return cache.delete(file); }));
    write(rest);
  }

  /* One file into the cache as it comes, counted on its way; a file cut off is not kept. */
  async function fetchInto(cache, file, counted) {
    var answer = await fetch(file, { cache: 'no-store' });
    if (!answer.ok || !answer.body) { throw new Error(String(answer.status)); }
    var got = 0, told = Number(answer.headers.get('content-length')) || 0, packed = answer.headers.get('content-encoding');
    var count = new TransformStream({ transform: function (piece, on) { got += piece.byteLength; counted(piece.byteLength); on.enqueue(piece); } });
    await cache.put(file, new Response(answer.body.pipeThrough(count), { headers: { 'content-type': answer.headers.get('content-type') || '' } }));
    if (told && (!packed || packed === 'identity') && got !== told) { await cache.delete(file); throw new Error('cut off'); }
    return got;
  }

  /* -- on an item's page -- */
  var box = document.querySelector('[data-keep]');
  async function keep() {
    var told = box.dataset, bar = box.querySelector('progress'), say = box.querySelector('[data-say]'), start = box.querySelector('[data-start]');
    var pictures = Array.prototype.map.call(document.querySelectorAll('article img[src^="/blobs/"], article track'), function (one) { return new URL(one.src).pathname; });
    var poster = document.querySelector('video[poster]'), media = told.files.split(' ').filter(Boolean);
    var files = media.concat(pictures, poster ? [poster.getAttribute('poster')] : []).filter(function (one, at, all) { return all.indexOf(one) === at; });
    var page = location.pathname + (told.query ? '?' + told.query : ''), total = Number(told.bytes) || 0, got = 0, done = [];
    start.disabled = true; show(bar, true); bar.max = total || 1; bar.value = 0;
    try {
      await navigator.serviceWorker.register('/worker.js');
      await navigator.serviceWorker.ready;
      if (navigator.storage && navigator.storage.persist) { navigator.storage.persist(); }
      var cache = await caches.open(KEPT);
      for (var n = 0; n < files.length + 1; n += 1) {
        var file = n < files.length ? files[n] : page;
        await fetchInto(cache, file, function (bytes) { got += bytes; bar.value = Math.min(got, bar.max); say.textContent = '已存 ' + size(got) + (total ? '，共 ' + size(Math.max(total, got)) : ''); });
        done.push(file);
      }
      write(list().filter(function (one) { return one.uid !== told.uid; }).concat([{ uid: told.uid, title: told.title, page: page, files: done, bytes: got, day: told.day }]));
    } catch (problem) {
      var some = await caches.open(KEPT);
      await Promise.all(done.map(function (file) { return some.delete(file); }));
      say.textContent = problem.name === 'QuotaExceededError' ? '这台设备的空间不够了，可以先删掉一些。' : '没有存成，可能是网络断了。请再试一次。';
      start.disabled = false; show(bar, false);
      return;
    }
    paint();
  }
  function paint() {
    var entry = entryOf(box.dataset.uid);
    show(box.querySelector('[data-start]'), !entry).disabled = false;
    show(box.querySelector('[data-drop]'), Boolean(entry));
    show(box.querySelector('progress'), false);
    box.querySelector('[data-say]').textContent = entry ? '已存在本机（' + size(entry.bytes) + '），没有网也能看。' : '';
  }
  if (box && can) {
    show(box, true); paint();
    box.querySelector('[data-start]').addEventListener('click', keep);
    box.querySelector('[data-drop]').addEventListener('click', function () { forget(box.dataset.uid).then(paint); });
  }

  /* -- on the page of what is kept -- */
  var shelf = document.querySelector('[data-kept]');
  function fill() {
    var entries = list(), total = 0;
    shelf.textContent = '';
    entries.forEach(function (one) {
      total += one.bytes;
      var row = document.createElement('li'), link = document.createElement('a'), note = document.createElement('span'), drop = document.createElement('button');
      link.href = one.page; link.textContent = one.title;
      note.textContent = size(one.bytes) + ' · ' + one.day + '存'; note.className = 'soft';
      drop.type = 'button'; drop.textContent = '删除'; drop.setAttribute('aria-label', '删除' + one.title);
      drop.addEventListener('click', function () { forget(one.uid).then(fill); });
      row.append(link, note, drop); shelf.append(row);
    });
    show(document.querySelector('[data-none]'), !entries.length);
    document.querySelector('[data-total]').textContent = entries.length ? entries.length + ' 个，共 ' + size(total) : '';
  }
  if (shelf) {
    show(document.querySelector('[data-cannot]'), !can);
    if (can) { fill(); navigator.serviceWorker.register('/worker.js'); }
  }
}());
