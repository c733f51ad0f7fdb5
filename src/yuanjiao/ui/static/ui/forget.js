/* The pages kept in this browser (phone_worker.js) belong to whoever is logged in: they go with any log-out, and where a log-in is asked for. */
'use strict';
(() => {
  if (!('caches' in window)) { return; }
  const KEPT = ['yuanjiao-orders-page', 'yuanjiao-visits-page', 'yuanjiao-inspections-page']; /* by name: to ask for the names takes longer than the page lives */
  const { logIn, logOut } = document.currentScript.dataset, forget = () => KEPT.forEach((name) => caches.delete(name));
  if (location.pathname === logIn) { forget(); }
  document.addEventListener('submit', (event) => {
    if (new URL(event.target.getAttribute('action') || '', location.href).pathname === logOut) { forget(); }
  }, true);
})();
