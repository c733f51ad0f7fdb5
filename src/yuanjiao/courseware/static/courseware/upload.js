// Resumable upload with tus: parts of 8 MB, each kept by the server once acknowledged; the same file chosen again goes on.
(function () {
  "use strict";
  var form = document.getElementById("upload");
  if (!form || !window.tus || !window.tus.isSupported) { return; }
  var box = document.getElementById("upload-progress"), words = document.getElementById("upload-words");
  var bar = box.querySelector("progress"), complaint = document.getElementById("upload-error");
  var send = form.querySelector(".btn-primary"), pause = document.getElementById("upload-pause");
  var upload = null, began = 0, beganAt = 0;

  function megabytes(bytes) { return (bytes / 1e6).toFixed(1) + " MB"; }

  function said(error) {
    var answer = error.originalResponse;
    if (answer && answer.getBody() && answer.getStatus() < 600) { return answer.getBody().slice(0, 300); }
    return "网络中断，已收到的部分不会丢。请检查网络后再点“上传”继续。";
  }

  function stop(text) {
    complaint.textContent = text;
    complaint.hidden = !text;
    send.disabled = false;
    pause.hidden = true;
  }

  function progress(sent, total) {
    if (!beganAt) { began = sent; beganAt = Date.now(); }
    var seconds = (Date.now() - beganAt) / 1000, speed = (sent - began) / Math.max(seconds, 0.1);
    bar.value = 100 * sent / total;
    words.textContent = megabytes(sent) + " / " + megabytes(total) +
      (speed > 0 && seconds > 2 ? "，约还需 " + Math.ceil((total - sent) / speed) + " 秒" : "");
  }

  form.addEventListener("submit", function (event) {
    var file = document.getElementById("file").files[0];
    if (!file) { return; }
    event.preventDefault();
    if (file.size > Number(form.dataset.max)) { stop("文件太大，超过上限。"); return; }
    complaint.hidden = true; box.hidden = false; pause.hidden = false; send.disabled = true; beganAt = 0;
    upload = new window.tus.Upload(file, {
      endpoint: form.dataset.endpoint,
      chunkSize: 8 * 1024 * 1024,
      retryDelays: [0, 1000, 3000, 5000, 10000, 20000],
      removeFingerprintOnSuccess: true,
      metadata: form.dataset.bulk ? { filename: file.name, bulk: form.dataset.bulk } : { filename: file.name, courseware: form.dataset.courseware },
      headers: { "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value },
      fingerprint: function (chosen) {
        return Promise.resolve(["yuanjiao", form.dataset.bulk || form.dataset.courseware, chosen.name, chosen.size, chosen.lastModified].join("-"));
      },
      onShouldRetry: function (error) {
        var status = error.originalResponse ? error.originalResponse.getStatus() : 0;
        return status === 0 || status === 409 || status === 460 || status >= 500 && status !== 507;
      },
      onProgress: progress,
      onSuccess: function () { words.textContent = "已收到，正在检查……"; window.location.assign(form.dataset.after); },
      onError: function (error) {
        if (error.originalResponse && error.originalResponse.getStatus() === 422) { window.location.assign(form.dataset.after); return; }
        stop(said(error));
      }
    });
    upload.findPreviousUploads().then(function (earlier) {
      if (earlier.length) { upload.resumeFromPreviousUpload(earlier[0]); }
      upload.start();
    });
  });

  pause.addEventListener("click", function () {
    if (upload) { upload.abort(); stop(""); words.textContent += "（已暂停，点“上传”继续）"; }
  });
})();
