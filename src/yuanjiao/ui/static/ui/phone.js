/* Acts on a phone are kept here first and sent from here, so that a dead line loses none and a doubled click does none twice.
   Each [data-card] has one form per act, and names in data-act those that come first; the page says in #phone-words what acts are called and what comes after each. */
'use strict';
(() => {
  const place = document.getElementById('phone'), NOT_SAID = ['csrfmiddlewaretoken', 'act', 'seen'];
  if (!place || !('indexedDB' in window)) { return; }
  const line = document.getElementById('line-state'), list = document.getElementById('kept-acts');
  const words = JSON.parse(document.getElementById('phone-words').textContent);
  let sending = false;

  const store = () => new Promise((resolve, reject) => {
    const asked = indexedDB.open(place.dataset.name + '-' + place.dataset.person, 1);
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
  /* Before there were other cards than orders, an act named its card `order`. */
  const named = (acts) => acts.map(({ order, ...one }) => ({ card: order, ...one }));
  const kept = async () => named(await inStore('readonly', (acts) => acts.getAll())).sort((a, b) => a.done_ms - b.done_ms || a.seen - b.seen);
  const newUid = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, '0')).join('');

  /* Every card as it is with what is kept: the next form, and how many steps it stands on. */
  function turn(box, act, seen, note) {
    box.querySelectorAll('form[data-act]').forEach((form) => { form.hidden = !act.split(' ').includes(form.dataset.act); });
    box.dataset.seen = String(seen);
    const told = box.querySelector('.kept-note');
    told.textContent = note; told.hidden = !note;
  }
  async function show() {
    const acts = await kept();
    list.replaceChildren(...acts.map(row));
    document.getElementById('kept').hidden = acts.length === 0;
    for (const box of document.querySelectorAll('[data-card]')) {
      const own = acts.filter((one) => one.card === box.dataset.card), stuck = own.some((one) => one.message);
      const last = own[own.length - 1], first = Number(box.dataset.server);
      box.dataset.shown = String(own.length ? own[0].shown : first);
      if (!last) { turn(box, box.dataset.act, first, ''); continue; }
      turn(box, stuck ? '' : words.after[last.act], last.seen + 1, (stuck ? words.stuck : words.waits) + words[last.act]);
    }
    line.textContent = navigator.onLine ? words.online : words.offline;
    line.className = 'state ' + (navigator.onLine ? 'state-green' : 'state-yellow');
  }
  function row(one) {
    const li = document.createElement('li'), what = document.createElement('strong'), more = document.createElement('span');
    what.textContent = one.name + ' · ' + words[one.act];
    more.textContent = [new Date(one.done_ms).toLocaleString('zh-CN'), one.note || one.remark, one.message].filter(Boolean).join('　');
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
      if (other.card === one.card && other.seen >= one.seen) { await inStore('readwrite', (acts) => acts.delete(other.uid)); }
    }
    if (navigator.onLine) { location.reload(); } else { await show(); }
  }
  async function keep(form) {
    const box = form.closest('[data-card]'), data = new FormData(form);
    const one = { uid: newUid(), card: box.dataset.card, name: box.dataset.name, address: form.action, act: form.dataset.act, shown: Number(box.dataset.shown), seen: Number(box.dataset.seen), done_ms: Date.now(), message: '' };
    for (const [name, value] of data) { if (!NOT_SAID.includes(name)) { one[name] = String(value); } }
    await inStore('readwrite', (acts) => acts.put(one));
    await show();
    await send();
  }
  async function send() {
    const all = await kept(), stuck = new Set(all.filter((one) => one.message).map((one) => one.card));
    const acts = all.filter((one) => !stuck.has(one.card));
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
})();
