"""The sentence under a photo, the smoothing of live answers, the texts of all languages."""

import re

import numpy as np
import pytest

from dogbreed.classifier import Prediction
from dogbreed.live import PAUSE, smooth, top_labels
from dogbreed.sentence import read_more_link, sentence, with_article
from dogbreed.ui_texts import LANGUAGES, pick_language, texts


def prediction(**probabilities: float) -> Prediction:
    labels = tuple(name.replace("_", " ") for name in probabilities)
    return Prediction(labels, tuple(probabilities.values()), (0, 1, 2), np.zeros((8, 8, 3)))


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        (
            {"Yorkshire_terrier": 0.93, "Silky_terrier": 0.05, "Cairn": 0.01},
            "Very likely a Yorkshire terrier.",
        ),
        ({"Airedale": 0.75, "Otterhound": 0.1, "Cairn": 0.05}, "Probably an Airedale."),
        (
            {"Norwich_terrier": 0.5, "Norfolk_terrier": 0.4, "Cairn": 0.05},
            "Between a Norwich and a Norfolk terrier.",
        ),
        (
            {"Entlebucher": 0.5, "Appenzeller": 0.4, "Cairn": 0.05},
            "Between an Entlebucher and an Appenzeller.",
        ),
        (
            {"Pug": 0.3, "Boxer": 0.2, "Cairn": 0.1},
            "Not sure: perhaps a Pug, perhaps another breed.",
        ),
    ],
)
def test_the_sentence_says_how_sure_the_model_is(probabilities, said):
    assert sentence(prediction(**probabilities), texts()) == said


def test_a_model_of_two_classes_is_answered_too():
    two = Prediction(("cat", "ocelot"), (0.55, 0.45), (0, 1), np.zeros((8, 8, 2)))
    assert sentence(two, texts()) == "Between a cat and an ocelot."


@pytest.mark.parametrize(("name", "named"), [("Eurasier", "a Eurasier"), ("Husky", "a Husky")])
def test_articles_follow_the_sound(name, named):
    assert with_article(name) == named


def test_the_link_escapes_the_name():
    assert read_more_link("a&b c").endswith("search=a%26b+c")


def test_smoothing_does_not_depend_on_the_rate_and_forgets_after_a_pause():
    before, after = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    slow = smooth(smooth(None, before, 0.0), after, 1.0)
    fast = smooth(None, before, 0.0)
    for step in range(1, 21):
        fast = smooth(fast, after, step / 20)
    assert np.allclose(slow.probabilities, fast.probabilities)
    assert slow.probabilities.sum() == pytest.approx(1)
    assert 0.8 < slow.probabilities[1] < 0.95
    later = smooth(smooth(None, before, 0.0), after, PAUSE + 0.1)
    assert later.probabilities.tolist() == [0.0, 1.0]


def test_one_odd_frame_does_not_change_the_label():
    steady, odd = np.array([0.9, 0.1]), np.array([0.1, 0.9])
    state = None
    for step in range(10):
        state = smooth(state, odd if step == 5 else steady, step / 10)
        assert next(iter(top_labels(state, ("Pug", "Boxer")))) == "Pug"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_its_placeholders(language):
    english, other = texts(), texts(language)
    assert list(english) == list(other)
    for key, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", other[key])), key
        if language != "en" and len(text) > 12:
            assert other[key] != text, key


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fi", "en"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("fi,pt-BR;q=0.8", "pt"),
        ("zh-TW", "zh-CN"),
    ],
)
def test_the_language_is_picked_from_what_the_browser_asks_for(header, language):
    assert pick_language(header) == language
