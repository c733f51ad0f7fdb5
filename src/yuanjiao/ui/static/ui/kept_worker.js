/* Keeps one page for where there is no signal. SHELL (name, version, page, files) stands in front of this text. */
'use strict';
const OWN = 'yuanjiao-' + SHELL.name + '-', SHELF = OWN + SHELL.version, PAGE = OWN + 'page';

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(SHELF).then((cache) => cache.addAll(SHELL.files)).then(() => self.skipWaiting()));
});
self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith(OWN) && name !== SHELF && name !== PAGE;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});
self.addEventListener('fetch', (event) => {
  const asked = event.request, url = new URL(asked.url);
  if (asked.method !== 'GET' || url.origin !== self.location.origin) { return; }
  if (url.pathname === SHELL.page) {
    event.respondWith(page(asked));
  } else if (SHELL.files.includes(url.pathname)) {
    event.respondWith(file(asked));
  }
});

/* The network first. Whoever is sent to the log-in page, or has lost the permission, keeps nothing here. */
async function page(asked) {
  const cache = await caches.open(PAGE);
  try {
    const answer = await fetch(asked);
    if (answer.ok && !answer.redirected && answer.type === 'basic') {
      await cache.put(SHELL.page, answer.clone());
    } else if (answer.type === 'opaqueredirect' || answer.redirected || answer.status === 403) {
      await cache.delete(SHELL.page);
    }
    return answer;
  } catch (nothing) {
    return (await cache.match(SHELL.page, { ignoreVary: true })) || Response.error();
  }
}
async function file(asked) {
  return (await (await caches.open(SHELF)).match(asked, { ignoreVary: true })) || fetch(asked);
}
