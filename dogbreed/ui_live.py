"""The tab for the camera: breeds that follow what it sees."""

import time
from html import escape

import gradio as gr
from PIL import Image

from dogbreed.classifier import DogBreedClassifier
from dogbreed.live import Smoothed, smooth, top_labels
from dogbreed.ui_texts import language_of, texts

# Gradio keeps only the newest frame of each stream, so a slow machine drops frames and never lags.
FRAME_EVERY = 0.1
# A forgotten camera stops by itself.
TIME_LIMIT = 300
# A stream holds its place in the queue as long as it runs.
CONCURRENT_CAMERAS = 8
# The network sees 299 × 299; larger frames only take longer to send.
_CONSTRAINTS = {"video": {"width": {"ideal": 480}, "height": {"ideal": 360}}}


def live_tab(classifier: DogBreedClassifier, i18n: gr.I18n) -> None:
    """Lay out the tab and connect its stream.

    Args:
        classifier: The model that answers.
        i18n: The texts.
    """

    def answer(
        frame: Image.Image | None, smoothed: Smoothed | None, request: gr.Request
    ) -> tuple[dict[str, float] | None, str, Smoothed | None]:
        if frame is None:
            return None, "", None
        prediction = classifier.predict(frame)
        probabilities = classifier.probabilities(prediction.evidence_map)
        smoothed = smooth(smoothed, probabilities, prediction.looks_like_dog, time.monotonic())
        said = ""
        if not smoothed.looks_like_dog:
            said = f"<p class='no-dog'>{escape(texts(language_of(request))['no_dog'])}</p>"
        return top_labels(smoothed, classifier.names), said, smoothed

    gr.Markdown(i18n("live_how"))
    # The script of the page shows one of these when there is no camera; Gradio says nothing then.
    for why in ("refused", "missing", "unsupported"):
        gr.Markdown(i18n(f"camera_{why}"), elem_id=f"camera-{why}")
    with gr.Row():
        camera = gr.Image(
            label=i18n("camera"),
            sources=["webcam"],
            streaming=True,
            type="pil",
            webcam_options=gr.WebcamOptions(constraints=_CONSTRAINTS),
            height=360,
            buttons=[],
            elem_id="camera",
        )
        with gr.Column():
            labels = gr.Label(
                label=i18n("breeds"), num_top_classes=3, show_heading=False, elem_id="live-labels"
            )
            said = gr.HTML(elem_id="live-said")
    smoothed = gr.State(time_to_live=TIME_LIMIT)
    camera.stream(
        answer,
        [camera, smoothed],
        [labels, said, smoothed],
        api_visibility="private",
        show_progress="hidden",
        stream_every=FRAME_EVERY,
        time_limit=TIME_LIMIT,
        concurrency_limit=CONCURRENT_CAMERAS,
    )
