// One rating is sent without leaving the page, and thanked for; nothing of who gave it. Without script the plain form does the same silently.
(function () {
  var form = document.querySelector(".rating");
  if (!form || !window.fetch) return;
  form.addEventListener("submit", function (event) {
    var button = event.submitter;
    if (!button) return;
    event.preventDefault();
    fetch(button.formAction, { method: "POST" }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      form.querySelector("div").hidden = true;
      form.querySelector("[role=status]").textContent = form.getAttribute("data-thanks");
    }).catch(function () { form.querySelector("[role=status]").textContent = form.getAttribute("data-failed"); });
  });
})();
