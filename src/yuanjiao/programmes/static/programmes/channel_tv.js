/* A channel on a box: when one item ends the page comes again with the next; where nothing is on, when the next one begins. ES3, as desks/tv.js, which sets its own "ended" before. */
window.onload = function () {
  var film = document.getElementById('film');
  var again = document.getElementById('again');
  var after = again.getAttribute('data-after');
  function come() { window.location.href = again.getAttribute('data-again'); }
  if (film) { film.onended = come; }
  if (after) { window.setTimeout(come, after * 1000); }
};
