/* A channel on a box: when one item ends the page comes again with the next. ES3, as desks/tv.js, which sets its own "ended" before. */
window.onload = function () {
  var film = document.getElementById('film');
  if (!film) { return; }
  film.onended = function () { window.location.href = document.getElementById('again').getAttribute('data-again'); };
};
