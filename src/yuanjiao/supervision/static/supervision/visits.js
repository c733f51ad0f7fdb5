/* An inspector's cards: the checklist of each visit until it is kept. Stands on ui/kept.js. */
'use strict';
window.keptActs({
  name: 'visits', key: 'visit',
  fields: ['found', 'powered', 'plays', 'kept', 'problem', 'words', 'measure', 'who', 'done', 'solved', 'changed', 'note'],
  extra: () => ({}),
  show(box, own) { box.querySelectorAll('form[data-act]').forEach((form) => { form.hidden = own.length > 0; }); },
});
