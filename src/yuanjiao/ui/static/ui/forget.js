/* The orders and visits kept in this browser belong to whoever is logged in: they go with any log-out, and where a log-in is asked for. */
'use strict';
(() => {
  if (!('caches' in window)) { return; }
  const { logIn, logOut } = document.currentScript.dataset, forget = () => ['orders', 'visits'].forEach((name) => caches.delete(`yuanjiao-${name}-page`));
  if (location.pathname === logIn) { forget(); }
  document.addEventListener('submit', (event) => {
    if (new URL(event.target.getAttribute('action') || '', location.href).pathname === logOut) { forget(); }
  }, true);
})();
