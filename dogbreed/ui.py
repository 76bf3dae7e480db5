"""The Gradio page."""

import gradio as gr

from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import InvalidImageError

TITLE = "Which breed is this dog?"


def build_page(classifier: DogBreedClassifier) -> gr.Blocks:
    """Build the page: a photo goes in, the three most probable breeds come out.

    Args:
        classifier: The model that answers.
    """

    def predict(photo: str | None) -> dict[str, float] | None:
        if photo is None:
            return None
        try:
            return classifier.predict(photo).as_dict()
        except InvalidImageError as error:
            raise gr.Error(str(error)) from error

    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(f"# {TITLE}\nUpload a photo, paste one, or take one with the camera.")
        with gr.Row():
            photo = gr.Image(
                label="Photo", sources=["upload", "webcam", "clipboard"], type="filepath"
            )
            labels = gr.Label(label="Breed", num_top_classes=3)
        photo.change(predict, photo, labels, api_name="predict")
    return page
