"""Uploaded files, as handlers get them."""

import gradio as gr
from gradio.data_classes import ImageData


def accept_any_file(photo: gr.Image) -> None:
    """Pass files on to the handlers untouched, so that `images` alone decides about them.

    `gradio.Image` opens a file itself and fails on a broken one without a sentence for people.
    """
    # Not a subclass: for those Gradio writes a .pyi file next to the source.
    photo.preprocess = as_uploaded  # type: ignore[method-assign]


def as_uploaded(payload: ImageData | None) -> str | None:
    """The path of an uploaded file."""
    return None if payload is None else payload.path
