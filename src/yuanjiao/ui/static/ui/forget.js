/* The orders kept in this browser belong to whoever is logged in: they go with any log-out, and where a log-in is asked for. */
'use strict';
(() => {
  if (!('caches' in window)) { return; }
  const { logIn, logOut } = document.currentScript.dataset, forget = () => caches.delete('yuanjiao-orders-page');
  if (location.pathname === logIn) { forget(); }
  document.addEventListener('submit', (event) => {
    if (new URL(event.target.getAttribute('action') || '', location.href).pathname === logOut) { forget(); }
  }, true);
})();
