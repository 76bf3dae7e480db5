"""Errors as sentences for the visitor."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from dogbreed.errors import InvalidImageError


@contextmanager
def shown_to_visitor() -> Iterator[None]:
    """Within this block, show the visitor why a photo cannot be used.

    Raises:
        gr.Error: In place of an `InvalidImageError`. It stays until it is closed, and nothing is
            written to the log, since nothing is wrong with the page.
    """
    try:
        yield
    except InvalidImageError as error:
        raise gr.Error(str(error), duration=None, print_exception=False) from error
