// The camera: opening it, and saying why there is none.

import { ShownError } from "./errors.js";

// The network sees 299 × 299 pixels; larger frames only take longer.
const VIDEO = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "environment" };

/**
 * Show what the camera sees.
 *
 * @param {HTMLVideoElement} video
 * @returns {Promise<void>} Until the first frame.
 * @throws {ShownError} There is no camera, or the visitor does not allow it.
 */
export async function openCamera(video) {
  if (!navigator.mediaDevices?.getUserMedia) throw new ShownError("camera_unsupported");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: VIDEO });
  } catch (error) {
    const refused = error instanceof Error && error.name === "NotAllowedError";
    throw new ShownError(refused ? "camera_refused" : "camera_missing");
  }
  await video.play();
}

/**
 * Switch the camera off.
 *
 * @param {HTMLVideoElement} video
 */
export function closeCamera(video) {
  const stream = /** @type {MediaStream | null} */ (video.srcObject);
  stream?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
}

/**
 * Whether the camera is on.
 *
 * @param {HTMLVideoElement} video
 * @returns {boolean}
 */
export function isOpen(video) {
  return video.srcObject !== null;
}
