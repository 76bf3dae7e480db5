"""Errors as sentences for the visitor."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
from gradio.utils import get_upload_folder

from dogbreed.errors import InvalidImageError

GONE = "This photo has been deleted from the server; upload it again."


def refusal(sentence: str) -> gr.Error:
    """An error that is shown until it is closed, and that is not a fault for the log."""
    return gr.Error(sentence, duration=None, print_exception=False)


def reason(error: InvalidImageError) -> str:
    """Why a photo cannot be used, without naming a folder of the server."""
    sentence = str(error)
    return GONE if get_upload_folder() in sentence else sentence


@contextmanager
def shown_to_visitor() -> Iterator[None]:
    """Within this block, show the visitor why a photo cannot be used.

    Raises:
        gr.Error: In place of an `InvalidImageError`.
    """
    try:
        yield
    except InvalidImageError as error:
        raise refusal(reason(error)) from error
