"""The texts of the page in seven languages, one file each in `locales/`; English is the original.

Fixed texts are translated in the browser by `gradio.I18n`. A sentence with an answer in it is
written here, in the language that the browser asks for. Names of breeds stay in English.
"""

import json
import re
from collections.abc import Callable
from functools import cache

import gradio as gr

from dogbreed.subject import DOG, LOCALES, neutral_texts

LANGUAGES = ("en", "de", "es", "fr", "pt", "ja", "zh-CN")
# Gradio's names for a language, where they are not ours.
_GRADIO_LOCALES = {"pt": ("pt", "pt-BR"), "zh-CN": ("zh-CN", "zh-TW", "zh")}


@cache
def texts(language: str = "en", subject: str = DOG) -> dict[str, str]:
    """The texts of one language by key, for what the model's photos show."""
    words = json.loads((LOCALES / f"{language}.json").read_text(encoding="utf-8"))
    return words | neutral_texts(language, subject)


def make_i18n(more: Callable[[dict[str, str]], dict[str, str]], subject: str = DOG) -> gr.I18n:
    """All languages for the browser.

    Args:
        subject: What the model's photos show.
        more: Makes further texts from those of one language.
    """
    return gr.I18n(
        **{
            locale: words | more(words) | {"language": language}
            for language in LANGUAGES
            for words in [texts(language, subject)]
            for locale in _GRADIO_LOCALES.get(language, (language,))
        }
    )


def pick_language(accept_language: str | None) -> str:
    """The language of the page for a browser: the one it asks for first, as Gradio decides too.

    Args:
        accept_language: The HTTP header, such as `de-CH,de;q=0.9,en;q=0.8`.

    Returns:
        One of `LANGUAGES`; English if the first wish is none of them.
    """
    first = re.split("[,;]", accept_language or "")[0]
    wanted = first.strip().lower().split("-")[0]
    return next((each for each in LANGUAGES if each.split("-")[0] == wanted), "en")


def language_of(request: gr.Request | None) -> str:
    """The language of the visitor who sent a request."""
    headers = getattr(request, "headers", None)
    return pick_language(headers.get("accept-language") if headers else None)
