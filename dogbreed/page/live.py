"""The tab for the camera: breeds that follow what it sees."""

import math
import time
from dataclasses import dataclass
from html import escape

import gradio as gr
import numpy as np
from PIL import Image

from dogbreed.classifier import DogBreedClassifier
from dogbreed.page.camera import rear_camera
from dogbreed.page.i18n import language_of, texts

# Gradio keeps only the newest frame of each stream, so a slow machine drops frames and never lags.
FRAME_EVERY = 0.1
# A forgotten camera stops by itself, after so many seconds.
TIME_LIMIT = 300
# A stream keeps its place in the queue as long as it runs.
CONCURRENT_CAMERAS = 8
# The network sees 299 × 299 pixels; larger frames only take longer to send.
_FRAME = (480, 360)
# A breed that comes into view takes the lead after about this many seconds.
TIME_CONSTANT = 0.5
# After a pause of this many seconds the camera shows something else.
PAUSE = 2.0


@dataclass(frozen=True)
class Smoothed:
    """The state between two frames.

    Attributes:
        time: When the last frame was answered, in seconds.
        probabilities: float64 array of shape (num_classes,) that sums to 1.
        no_dog: Share of the frames that did not look like a dog; recent ones weigh most.
    """

    time: float
    probabilities: np.ndarray
    no_dog: float

    @property
    def looks_like_dog(self) -> bool:
        """Whether most of the recent frames did."""
        return self.no_dog <= 0.5


@dataclass(frozen=True)
class FrameHandler:
    """Answers the frames of a camera."""

    classifier: DogBreedClassifier

    def __call__(
        self, frame: Image.Image | None, smoothed: Smoothed | None, request: gr.Request
    ) -> tuple[dict[str, float] | None, str, Smoothed | None]:
        """Answer one frame.

        Args:
            frame: What the camera sees; None once it has stopped.
            smoothed: The state after the last frame.
            request: For the language.

        Returns:
            The breeds with their probabilities, a note as HTML if there is no dog, and the state.
        """
        if frame is None:
            return None, "", None
        prediction = self.classifier.predict(frame)
        probabilities = self.classifier.probabilities(prediction.evidence_map)
        smoothed = smooth(smoothed, probabilities, prediction.looks_like_dog, time.monotonic())
        note = ""
        if not smoothed.looks_like_dog:
            words = texts(language_of(request), self.classifier.bundle.subject)
            note = f"<p class='no-dog'>{escape(words['no_dog'])}</p>"
        return top_labels(smoothed, self.classifier.names), note, smoothed


def smooth(
    previous: Smoothed | None, probabilities: np.ndarray, looks_like_dog: bool, now: float
) -> Smoothed:
    """Exponential smoothing over time, the same at 2 and at 20 frames per second.

    Args:
        previous: The state after the last frame, if there was one.
        probabilities: float array of shape (num_classes,), the answer to the new frame.
        looks_like_dog: The same of the answer.
        now: Seconds of any steady clock.
    """
    if previous is None or not 0 <= now - previous.time <= PAUSE:
        return Smoothed(now, probabilities, float(not looks_like_dog))
    weight = 1 - math.exp(-(now - previous.time) / TIME_CONSTANT)
    mixed = previous.probabilities + weight * (probabilities - previous.probabilities)
    no_dog = previous.no_dog + weight * (float(not looks_like_dog) - previous.no_dog)
    return Smoothed(now, mixed, no_dog)


def top_labels(smoothed: Smoothed, names: tuple[str, ...], top_k: int = 3) -> dict[str, float]:
    """The most probable labels with their probabilities, best first."""
    ids = np.argsort(-smoothed.probabilities, kind="stable")[:top_k]
    return {names[number]: float(smoothed.probabilities[number]) for number in ids}


def live_tab(classifier: DogBreedClassifier, i18n: gr.I18n) -> None:
    """Lay out the tab and connect its stream.

    Args:
        classifier: The model that answers.
        i18n: The texts.
    """
    gr.Markdown(i18n("live_how"))
    # The page's script shows one of these when there is no camera; Gradio itself says nothing.
    for why in ("refused", "missing", "unsupported"):
        gr.Markdown(i18n(f"camera_{why}"), elem_id=f"camera-{why}")
    with gr.Row(elem_id="live-tab"):
        camera = gr.Image(
            label=i18n("camera"),
            sources=["webcam"],
            streaming=True,
            type="pil",
            webcam_options=rear_camera(*_FRAME),
            buttons=[],
            elem_id="camera",
        )
        with gr.Column():
            note = gr.HTML(elem_id="live-note")
            labels = gr.Label(
                label=i18n("breeds"), num_top_classes=3, show_heading=False, elem_id="live-labels"
            )
    smoothed = gr.State(time_to_live=TIME_LIMIT)
    camera.stream(
        FrameHandler(classifier),
        [camera, smoothed],
        [labels, note, smoothed],
        api_visibility="private",
        show_progress="hidden",
        stream_every=FRAME_EVERY,
        time_limit=TIME_LIMIT,
        concurrency_limit=CONCURRENT_CAMERAS,
    )
