/* Serves what this device chose to keep when there is no network. SHELL (version, page, files) stands in front of this text. */
'use strict';
const SHELF = 'yuanjiao-shell-' + SHELL.version, KEPT = 'yuanjiao-kept';
const OURS = /^\/($|items\/|columns\/|search\/|offline\/|reading\/)/;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(SHELF).then((cache) => cache.addAll([SHELL.page, ...SHELL.files])).then(() => self.skipWaiting()));
});
self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('yuanjiao-shell-') && name !== SHELF;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const asked = event.request, url = new URL(asked.url);
  if (asked.method !== 'GET' || url.origin !== self.location.origin) { return; }
  if (asked.mode === 'navigate') {
    if (OURS.test(url.pathname)) { event.respondWith(page(asked)); }
  } else if (url.pathname.startsWith('/blobs/')) {
    event.respondWith(media(asked));
  } else if (SHELL.files.includes(url.pathname)) {
    event.respondWith(fromShelf(asked));
  }
});

/* The network first; a page that was kept, or the list of what was, when there is none. */
async function page(asked) {
  try {
    return await fetch(asked);
  } catch (nothing) {
    const kept = await (await caches.open(KEPT)).match(asked, { ignoreSearch: true, ignoreVary: true });
    return kept || (await (await caches.open(SHELF)).match(SHELL.page, { ignoreVary: true })) || Response.error();
  }
}
async function fromShelf(asked) {
  return (await (await caches.open(SHELF)).match(asked, { ignoreVary: true })) || fetch(asked);
}
/* A name is its content, so what was kept is right for ever. Players ask for ranges: they get the slice. */
async function media(asked) {
  const kept = await (await caches.open(KEPT)).match(asked.url, { ignoreVary: true });
  if (!kept) { return fetch(asked); }
  const range = /^bytes=(\d+)-(\d*)$/.exec(asked.headers.get('range') || '');
  if (!range) { return kept; }
  const whole = await kept.blob(), first = Number(range[1]), last = Math.min(range[2] ? Number(range[2]) : Infinity, whole.size - 1);
  if (first > last) { return new Response(null, { status: 416, headers: { 'Content-Range': 'bytes */' + whole.size } }); }
  const headers = { 'Content-Type': kept.headers.get('content-type') || '', 'Content-Range': `bytes ${first}-${last}/${whole.size}`, 'Content-Length': String(last - first + 1), 'Accept-Ranges': 'bytes' };
  return new Response(whole.slice(first, last + 1), { status: 206, headers });
}
