// What Gradio has no option for: why there is no camera, stopping it when its tab is left, pasting
// with the keyboard, and telling a screen reader when the answer changes.
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);

  const note = (shown) => {
    for (const key of ["refused", "missing", "unsupported"]) {
      const text = find(`#camera-${key}`);
      if (!text) continue;
      text.classList.toggle("shown", key === shown);
      if (key === shown) text.setAttribute("role", "alert");
    }
  };

  const devices = navigator.mediaDevices;
  let lastAsked = { video: true };
  if (devices && devices.getUserMedia) {
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (constraints) => {
      try {
        const stream = await ask(constraints);
        lastAsked = constraints;
        note(null);
        return stream;
      } catch (error) {
        note(error.name === "NotAllowedError" ? "refused" : "missing");
        throw error;
      }
    };
  } else {
    document.addEventListener("click", (event) => {
      if (event.target.closest("#camera button")) note("unsupported");
    });
  }

  const stopCamera = () => {
    // A click on its button, so that Gradio ends the stream of frames too.
    const running = find("#camera [title='stop recording']");
    if (running) running.closest("button").click();
    const video = find("#camera video");
    if (video && video.srcObject) video.srcObject.getTracks().forEach((track) => track.stop());
  };
  const resumeCamera = async () => {
    const video = find("#camera video");
    if (!video || !video.srcObject || video.srcObject.active) return;
    video.srcObject = await devices.getUserMedia(lastAsked);
    await video.play();
  };
  const followTab = () => {
    const camera = find("#camera");
    if (!camera) return;
    if (document.hidden || camera.offsetParent === null) stopCamera();
    else resumeCamera();
  };
  document.addEventListener("visibilitychange", followTab);
  // Gradio hides the tab some time after the click or the key.
  for (const kind of ["click", "keyup"]) {
    document.addEventListener(kind, () => setTimeout(followTab, 100));
  }

  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
    const input = find("#photo input[type=file]");
    if (!file || !input) return;
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // Names and roles that Gradio leaves out.
  const describe = () => {
    const answer = find("#sentence");
    if (answer) answer.setAttribute("aria-live", "polite");
    const title = find("#examples .label");
    document.querySelectorAll("#examples button").forEach((button, index) => {
      if (title) button.setAttribute("aria-label", `${title.textContent.trim()} ${index + 1}`);
    });
    // Gradio puts a button into a button; only the inner one does anything.
    document.querySelectorAll("button:has(button):not([role])").forEach((outer) => {
      outer.setAttribute("role", "group");
      outer.tabIndex = -1;
    });
    document
      .querySelectorAll("div[aria-label]:not([role])")
      .forEach((element) => element.setAttribute("role", "img"));
  };
  new MutationObserver(describe).observe(document.documentElement, {
    childList: true,
    subtree: true,
  });
  document.documentElement.lang = navigator.language;
})();
