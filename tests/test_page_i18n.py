"""The texts in all languages, and which language a visitor gets."""

import re

import pytest

from dogbreed.page.i18n import LANGUAGES, language_of, make_i18n, pick_language, texts
from tests.helpers.visitor import visitor


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_its_placeholders(language):
    english, other = texts(), texts(language)
    assert list(english) == list(other)
    for key, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", other[key])), key
        if language != "en" and len(text) > 12:
            assert other[key] != text, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_typography_is_that_of_the_language(language):
    spaced = language in ("de", "es", "fr")
    for key, text in texts(language).items():
        assert text == text.strip() and "  " not in text, key
        assert not re.search(r"['\"]", text), key
        # A percent sign or a French colon must not start a line.
        assert not re.search(r" [%;:!?]", text), key
        if "%" in text:
            assert ("\u202f%" in text) == spaced, key
        if language == "fr":
            assert not re.search(r"\w[;:!?](\s|$)", text), key
        if language in ("ja", "zh-CN"):
            assert not re.search(r"[\u3040-\u9fff][,.:;?!]", text), key


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fi", "en"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        # Gradio follows the first wish only, and a page speaks one language.
        ("fi,pt-BR;q=0.8", "en"),
        ("zh-TW", "zh-CN"),
    ],
)
def test_the_language_is_picked_from_what_the_browser_asks_for(header, language):
    assert pick_language(header) == language


def test_a_request_has_a_language():
    assert language_of(visitor("ja")) == "ja"
    assert language_of(None) == "en"


def test_gradio_gets_every_language_under_its_own_names():
    i18n = make_i18n(lambda words: {"shout": words["heading"].upper()})
    translations = i18n.translations_dict
    assert set(translations) == {*LANGUAGES, "pt-BR", "zh-TW", "zh"}
    assert translations["zh-TW"]["language"] == "zh-CN"
    assert translations["pt-BR"] == translations["pt"]
    assert translations["fr"]["heading"] == texts("fr")["heading"]
    assert translations["de"]["shout"] == texts("de")["heading"].upper()
    assert "shout" not in texts("de")
