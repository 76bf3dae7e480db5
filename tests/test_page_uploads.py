"""Uploaded files, as handlers get them."""

import gradio as gr
from gradio.data_classes import ImageData

from dogbreed.page.uploads import accept_any_file


def test_a_file_is_not_opened_by_gradio():
    photo = gr.Image(type="filepath")
    accept_any_file(photo)
    assert photo.preprocess(None) is None
    assert photo.preprocess(ImageData(path="broken.png")) == "broken.png"
