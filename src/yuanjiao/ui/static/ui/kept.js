/* What is done on a phone is kept here first and sent from here, so that a dead line loses nothing and a doubled click does nothing twice.
   A page says: `name` (its store), `key` (what an act is about: data-<key> of a card), `fields` of its forms, `extra(box)` for what its
   acts carry besides, `show(acts)` to draw its cards. */
'use strict';
window.keptActs = ({ name, key, fields, extra, show: draw }) => {
  const place = document.getElementById('phone');
  if (!place || !('indexedDB' in window)) { return; }
  const line = document.getElementById('line-state'), list = document.getElementById('kept-acts');
  const words = JSON.parse(document.getElementById('phone-words').textContent);
  let sending = false;

  const store = () => new Promise((resolve, reject) => {
    const asked = indexedDB.open(`yuanjiao-${name}-${place.dataset.person}`, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore('acts', { keyPath: 'uid' });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  async function inStore(mode, work) {
    const base = await store();
    return new Promise((resolve, reject) => {
      const turn = base.transaction('acts', mode), asked = work(turn.objectStore('acts'));
      turn.oncomplete = () => { base.close(); resolve(asked.result); };
      turn.onabort = turn.onerror = () => { base.close(); reject(turn.error); };
    });
  }
  const step = (one) => one.seen || 0;
  const kept = async () => (await inStore('readonly', (acts) => acts.getAll())).sort((a, b) => a.done_ms - b.done_ms || step(a) - step(b));
  const newUid = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, '0')).join('');

  async function show() {
    const acts = await kept();
    list.replaceChildren(...acts.map(row));
    document.getElementById('kept').hidden = acts.length === 0;
    document.querySelectorAll(`[data-${key}]`).forEach((box) => {
      const own = acts.filter((one) => one[key] === box.dataset[key]), stuck = own.some((one) => one.message);
      const told = box.querySelector('.kept-note'), last = own[own.length - 1];
      told.textContent = last ? (stuck ? words.stuck : words.waits) + words[last.act] : '';
      told.hidden = !last;
      draw(box, own, stuck);
    });
    line.textContent = navigator.onLine ? words.online : words.offline;
    line.className = 'state ' + (navigator.onLine ? 'state-green' : 'state-yellow');
  }
  function row(one) {
    const li = document.createElement('li'), what = document.createElement('strong'), more = document.createElement('span');
    what.textContent = one.name + ' · ' + words[one.act];
    more.textContent = [new Date(one.done_ms).toLocaleString('zh-CN'), one.note, one.message].filter(Boolean).join('　');
    li.append(what, more);
    if (one.message) {
      li.className = 'stuck';
      const look = document.createElement('a'), drop = document.createElement('button');
      look.className = 'btn'; look.href = one.address; look.textContent = words.look;
      drop.className = 'btn'; drop.type = 'button'; drop.textContent = words.drop;
      drop.addEventListener('click', () => dropFrom(one));
      li.append(look, drop);
    }
    return li;
  }
  /* What was done on top of a dropped act never happened either. */
  async function dropFrom(one) {
    for (const other of await kept()) {
      if (other[key] === one[key] && step(other) >= step(one)) { await inStore('readwrite', (acts) => acts.delete(other.uid)); }
    }
    if (navigator.onLine) { location.reload(); } else { await show(); }
  }
  async function keep(form) {
    const box = form.closest(`[data-${key}]`), data = new FormData(form);
    const one = { uid: newUid(), [key]: box.dataset[key], name: box.dataset.name, address: form.action, act: form.dataset.act, done_ms: Date.now(), message: '', ...extra(box) };
    for (const field of fields) { one[field] = String(data.get(field) || ''); }
    await inStore('readwrite', (acts) => acts.put(one));
    await show();
    await send();
  }
  async function send() {
    const all = await kept(), stuck = new Set(all.filter((one) => one.message).map((one) => one[key]));
    const acts = all.filter((one) => !stuck.has(one[key]));
    if (sending || !navigator.onLine || acts.length === 0) { return; }
    sending = true;
    try {
      const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
      const answer = await fetch(place.dataset.send, {
        method: 'POST', redirect: 'manual', headers: { 'Content-Type': 'application/json', 'X-CSRFToken': token, Accept: 'application/json' },
        body: JSON.stringify({ sent_ms: Date.now(), person: place.dataset.person, acts }),
      });
      if (!answer.ok) { line.textContent = answer.type === 'opaqueredirect' || answer.status === 403 ? words.login : words.later; return; }
      await settle(acts, (await answer.json()).answers);
    } catch (nothing) {
      line.textContent = words.later;
    } finally {
      sending = false;
    }
  }
  async function settle(acts, answers) {
    let moved = false;
    for (const told of answers) {
      const one = acts.find((act) => act.uid === told.uid);
      if (told.outcome === 'done' || told.outcome === 'already') {
        await inStore('readwrite', (rows) => rows.delete(told.uid)); moved = true;
      } else if (one) {
        await inStore('readwrite', (rows) => rows.put({ ...one, message: told.message }));
      }
    }
    const left = await kept();
    if (moved && left.length === 0) { location.reload(); } else { await show(); }
  }

  document.addEventListener('submit', (event) => {
    const form = event.target.closest('form[data-act]');
    if (form) { event.preventDefault(); keep(form); }
  });
  addEventListener('online', () => { show(); send(); });
  addEventListener('offline', show);
  if ('serviceWorker' in navigator) { navigator.serviceWorker.register(place.dataset.worker, { scope: place.dataset.scope }).catch(() => {}); }
  show().then(send);
  setInterval(send, 60000);
};
