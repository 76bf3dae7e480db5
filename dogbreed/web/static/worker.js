// The worker that decodes photos and runs the network, so that the page never freezes. A classic
// worker, not a module: LiteRT.js loads its own script by `importScripts`.

/* global importScripts */
const modules = Promise.all(
  ["answer", "images", "network", "square"].map((name) => import(`./${name}.js`)),
).then((loaded) => Object.assign({}, ...loaded));

let model;
let network;

const tasks = {
  async load({ site, model: given }, say) {
    const { loadNetwork } = await modules;
    model = given;
    network = await loadNetwork(
      site,
      model,
      (bytes) => say({ bytes }),
      () => say({ starting: true }),
    );
    return { accelerator: network.accelerator, threads: network.threads };
  },

  async answer({ photo, count }) {
    const { openPhoto, predict, toSquare } = await modules;
    const opened = await openPhoto(photo);
    try {
      const square = toSquare(opened, model.size, model.resize);
      return predict(model, await network.run(square), count);
    } finally {
      opened.close();
    }
  },
};

// One after the other: the network has one place for a photo.
let line = Promise.resolve();
self.onmessage = ({ data: { id, task, ...given } }) => {
  line = line.then(async () => {
    try {
      const result = await tasks[task](given, (progress) => self.postMessage({ id, progress }));
      self.postMessage({ id, result });
    } catch (error) {
      const { key, values } = error;
      self.postMessage({ id, error: { message: String(error), key, values } });
    }
  });
};
