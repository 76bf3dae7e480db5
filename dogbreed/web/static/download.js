// Large files: downloaded once with progress, checked by their hash, kept for the next visit.

/** @typedef {import("./model.js").StoredFile} StoredFile */

const BASE = new URL(".", import.meta.url);
const CACHE = `dogbreed files ${BASE.pathname}`;

/**
 * Get a file from the cache, else from the network.
 *
 * @param {StoredFile} file
 * @param {(bytes: number) => void} [onBytes] Is called with the length of each part that arrives.
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function download(file, onBytes = () => {}) {
  const url = address(file);
  const cache = await openCache();
  const kept = await cache?.match(url);
  if (kept) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    if (await isIntact(bytes, file)) {
      onBytes(bytes.length);
      return bytes;
    }
  }
  const bytes = await fetchAll(url, file, onBytes);
  if (!(await isIntact(bytes, file))) throw new Error(`${file.url} is not the file it should be`);
  await keep(cache, url, bytes);
  return bytes;
}

/**
 * Forget files that this version of the page does not need.
 *
 * @param {StoredFile[]} files Those that it may need.
 */
export async function forgetOthers(files) {
  const cache = await openCache();
  const needed = new Set(files.map(address));
  for (const request of (await cache?.keys()) ?? []) {
    if (!needed.has(request.url)) await cache?.delete(request);
  }
}

/**
 * The address of a file; a changed file of this site has another one, whatever caches lie between.
 *
 * @param {StoredFile} file
 * @returns {string}
 */
function address(file) {
  const url = new URL(file.url, BASE);
  if (url.origin === BASE.origin) url.searchParams.set("v", file.sha256.slice(0, 16));
  return url.href;
}

/**
 * The browser's store of files; it has none for pages that came over plain HTTP from elsewhere.
 *
 * @returns {Promise<Cache | undefined>}
 */
async function openCache() {
  try {
    return await globalThis.caches?.open(CACHE);
  } catch {
    return undefined;
  }
}

/**
 * @param {Cache | undefined} cache
 * @param {string} url
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function keep(cache, url, bytes) {
  try {
    await cache?.put(url, new Response(bytes));
  } catch {
    // The disk is full, or the browser keeps nothing in private windows: it works all the same.
  }
}

/**
 * @param {string} url
 * @param {StoredFile} file
 * @param {(bytes: number) => void} onBytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function fetchAll(url, file, onBytes) {
  // Where the hash cannot be computed here the browser compares it, and shows no progress then.
  const integrity = globalThis.crypto?.subtle ? "" : `sha256-${inBase64(file.sha256)}`;
  const response = await fetch(url, { integrity });
  if (!response.ok || !response.body) throw new Error(`${file.url}: ${response.status}`);
  const bytes = new Uint8Array(file.size);
  const reader = response.body.getReader();
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (length + value.length > bytes.length) throw new Error(`${file.url} is too long`);
    bytes.set(value, length);
    length += value.length;
    onBytes(value.length);
  }
  return bytes.subarray(0, length);
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {StoredFile} file
 * @returns {Promise<boolean>}
 */
async function isIntact(bytes, file) {
  if (bytes.length !== file.size) return false;
  if (!globalThis.crypto?.subtle) return true;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") === file.sha256;
}

/**
 * @param {string} hex
 * @returns {string}
 */
function inBase64(hex) {
  return btoa(hex.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16))));
}
