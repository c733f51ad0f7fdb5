/* An engineer's orders: each card as it is with what is kept (the next form, and how many steps it stands on). Stands on ui/kept.js. */
'use strict';
(() => {
  const AFTER = { accept: 'start', start: 'submit', submit: '' };
  function turn(box, act, seen) {
    box.querySelectorAll('form[data-act]').forEach((form) => { form.hidden = form.dataset.act !== act; });
    box.dataset.seen = String(seen);
  }
  window.keptActs({
    name: 'orders', key: 'order', fields: ['fault_class', 'cause', 'note'],
    extra: (box) => ({ shown: Number(box.dataset.shown), seen: Number(box.dataset.seen) }),
    show(box, own, stuck) {
      const last = own[own.length - 1], first = Number(box.dataset.server);
      box.dataset.shown = String(own.length ? own[0].shown : first);
      if (last) { turn(box, stuck ? '' : AFTER[last.act], last.seen + 1); } else { turn(box, box.dataset.act, first); }
    },
  });
})();
