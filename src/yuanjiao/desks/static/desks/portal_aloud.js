/* Reading aloud by the device's own voice: the words marked data-read, a sentence at a time, so that long texts are not cut off. */
(function () {
  'use strict';
  var button = document.querySelector('[data-aloud]');
  if (!button || !window.speechSynthesis || !window.SpeechSynthesisUtterance) { return; }
  button.hidden = false;
  var name = button.textContent;
  function done() { button.textContent = name; }
  button.addEventListener('click', function () {
    if (speechSynthesis.speaking) { speechSynthesis.cancel(); done(); return; }
    var media = document.querySelector('video, audio');
    if (media) { media.pause(); }
    var words = Array.prototype.map.call(document.querySelectorAll('article [data-read]'), function (one) { return one.textContent; }).join('。');
    var sentences = words.match(/[^。！？；\n]+[。！？；]?/g) || [];
    sentences.forEach(function (one, at) {
      var voice = new SpeechSynthesisUtterance(one.trim());
      voice.lang = 'zh-CN'; voice.rate = 0.9;
      if (at === sentences.length - 1) { voice.onend = done; }
      speechSynthesis.speak(voice);
    });
    button.textContent = '停下';
  });
  window.addEventListener('pagehide', function () { speechSynthesis.cancel(); });
}());
