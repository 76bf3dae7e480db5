// What Gradio has no option for: saying why there is no camera, stopping it when its tab is left,
// pasting with the keyboard, and names and roles for screen readers.
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);

  // The camera. One of three notes says why there is none.
  const showCameraNote = (shown) => {
    for (const reason of ["refused", "missing", "unsupported"]) {
      const note = find(`#camera-${reason}`);
      if (!note) continue;
      note.classList.toggle("shown", reason === shown);
      if (reason === shown) note.setAttribute("role", "alert");
    }
  };

  const devices = navigator.mediaDevices;
  let lastConstraints = { video: true };
  if (devices && devices.getUserMedia) {
    const getUserMedia = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (constraints) => {
      try {
        const stream = await getUserMedia(constraints);
        lastConstraints = constraints;
        showCameraNote(null);
        return stream;
      } catch (error) {
        showCameraNote(error.name === "NotAllowedError" ? "refused" : "missing");
        throw error;
      }
    };
  } else {
    document.addEventListener("click", (event) => {
      if (event.target.closest("#camera button")) showCameraNote("unsupported");
    });
  }

  const stopCamera = () => {
    // A click on Gradio's button, so that the stream of frames ends too.
    const running = find("#camera [title='stop recording']");
    if (running) running.closest("button").click();
    const video = find("#camera video");
    if (video && video.srcObject) video.srcObject.getTracks().forEach((track) => track.stop());
  };
  const resumeCamera = async () => {
    const video = find("#camera video");
    if (!video || !video.srcObject || video.srcObject.active) return;
    video.srcObject = await devices.getUserMedia(lastConstraints);
    await video.play();
  };
  const stopOrResumeCamera = () => {
    const camera = find("#camera");
    if (!camera) return;
    if (document.hidden || camera.offsetParent === null) stopCamera();
    else resumeCamera();
  };
  document.addEventListener("visibilitychange", stopOrResumeCamera);
  // Gradio switches tabs a moment after the click or the key.
  for (const kind of ["click", "keyup"]) {
    document.addEventListener(kind, () => setTimeout(stopOrResumeCamera, 100));
  }

  const pastePhoto = (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
    const input = find("#photo input[type=file]");
    if (!file || !input) return;
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("paste", pastePhoto);

  // The language, names and roles that Gradio leaves out.
  const addNamesAndRoles = () => {
    const language = find("#language")?.textContent.trim();
    if (language) document.documentElement.lang = language;
    for (const said of ["#sentence", "#correct-said"]) {
      find(said)?.setAttribute("aria-live", "polite");
    }
    const title = find("#examples .label");
    document.querySelectorAll("#examples button").forEach((button, index) => {
      if (title) button.setAttribute("aria-label", `${title.textContent.trim()} ${index + 1}`);
    });
    // Gradio nests buttons; only the inner one does anything.
    document.querySelectorAll("button:has(button):not([role])").forEach((outer) => {
      outer.setAttribute("role", "group");
      outer.tabIndex = -1;
    });
    document
      .querySelectorAll("div[aria-label]:not([role])")
      .forEach((element) => element.setAttribute("role", "img"));
  };
  new MutationObserver(addNamesAndRoles).observe(document.documentElement, {
    childList: true,
    subtree: true,
  });
})();
