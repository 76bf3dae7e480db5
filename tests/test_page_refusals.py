"""Errors as sentences for the visitor."""

import gradio as gr
import pytest

from dogbreed.errors import InvalidImageError, UsageError
from dogbreed.page.refusals import shown_to_visitor


def test_why_a_photo_cannot_be_used_is_shown_until_it_is_closed():
    with pytest.raises(gr.Error) as told, shown_to_visitor():
        raise InvalidImageError("This file is empty; choose a photo.")
    assert told.value.message == "This file is empty; choose a photo."
    assert told.value.duration is None and not told.value.print_exception


def test_other_errors_pass():
    with pytest.raises(UsageError), shown_to_visitor():
        raise UsageError("This is not about a photo.")
    with shown_to_visitor():
        pass
