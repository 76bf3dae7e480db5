"""Errors as sentences for the visitor, in the visitor's language."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import gradio as gr
from gradio.utils import get_upload_folder

from dogbreed.errors import InvalidImageError
from dogbreed.page.i18n import language_of
from dogbreed.sentences import Sentence
from dogbreed.subject import LOCALES

GONE = Sentence("gone")
NO_ROOM = Sentence("no_room")


def refusal(sentence: str) -> gr.Error:
    """An error that is shown until it is closed, and that is not a fault for the log."""
    return gr.Error(sentence, duration=None, print_exception=False)


def reason(error: InvalidImageError) -> str:
    """Why a photo cannot be used, without naming a folder of the server."""
    sentence = error.args[0] if error.args else ""
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


def said_in(language: str, sentence: str) -> str:
    """A sentence in a language of the page; as it is, if it was not made from the table."""
    if language == "en" or not isinstance(sentence, Sentence):
        return sentence
    return _templates(language)[sentence.key].format(**sentence.fields)


def said_to(request: gr.Request | list[gr.Request] | None, error: gr.Error) -> gr.Error:
    """An error in the language of the visitor who sent a request."""
    language = language_of(request[0] if isinstance(request, list) else request)
    error.message = said_in(language, error.message)
    return error


@cache
def _templates(language: str) -> dict[str, str]:
    return json.loads((LOCALES / "refusals" / f"{language}.json").read_text(encoding="utf-8"))
