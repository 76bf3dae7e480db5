// Keeps the page for visits without a network. The network and LiteRT.js are kept by download.js.
//
// It also asks browsers to isolate the page from others, which static hosts rarely do by themselves:
// only isolated pages may use several threads. This takes effect from the second visit on.

// Written by `dogbreed export-web`; a changed file changes it, and with it this script.
const VERSION = "VERSION";
const PREFIX = `dogbreed page ${self.registration.scope} `;
const CACHE = PREFIX + VERSION;
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOldVersions().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(self.registration.scope)) {
    event.respondWith(answer(event.request));
  }
});

async function keepShell() {
  const { shell } = await (await fetch("site.json", { cache: "no-cache" })).json();
  const cache = await caches.open(CACHE);
  await cache.addAll(shell.map((path) => new Request(path, { cache: "no-cache" })));
}

async function forgetOldVersions() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  const wanted = request.mode === "navigate" ? "index.html" : request;
  const kept = await cache.match(wanted, { ignoreSearch: true });
  return isolated(kept ?? (await fetch(request)));
}

function isolated(response) {
  if (!response.ok) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(response.body, { status: response.status, headers });
}
