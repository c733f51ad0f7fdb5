/* Comfort only: the pages work without it. Focus where it is wanted, up and down between links, digits choose a lesson. ES3. */
(function () {
  var heads = document.getElementById("heads"), links = document.getElementsByTagName("a"), here = 0;
  if (heads) { heads.focus(); } else if (links.length) { links[0].focus(); }
  document.onkeydown = function (event) {
    var code, chosen;
    event = event || window.event;
    code = event.keyCode || event.which;
    if (document.activeElement === heads && heads) { return true; }
    if (code === 38 || code === 40) {
      here = (here + (code === 40 ? 1 : links.length - 1)) % links.length;
      links[here].focus();
      return false;
    }
    if (code >= 49 && code <= 57) {
      chosen = document.getElementById("k" + (code - 48));
      if (chosen) { window.location.href = chosen.href; return false; }
    }
    return true;
  };
}());
