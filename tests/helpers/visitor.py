"""What the page's handlers get when a visitor does something, without a browser."""

import gradio as gr
from starlette.requests import Request


def visitor(language: str = "en") -> gr.Request:
    """A request from a visitor whose browser asks for a language."""
    headers = [(b"accept-language", language.encode())]
    return gr.Request(Request({"type": "http", "headers": headers}))


def click_on(value: str) -> gr.SelectData:
    """A click on a row of the labels."""
    return gr.SelectData(None, {"index": 0, "value": value})
