// What Gradio has no option for: why there is no camera, and stopping it when its tab is left.
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
  if (devices && devices.getUserMedia) {
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (constraints) => {
      try {
        const stream = await ask(constraints);
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
})();
