"""An answer as HTML."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dogbreed import DogBreedClassifier
from dogbreed.bundle import Bundle
from dogbreed.page.answer import headline_html, more_html
from dogbreed.page.i18n import LANGUAGES, texts
from dogbreed.prediction import Prediction
from dogbreed.wording import confidence, read_more_link, sentence
from tests.helpers.tiny_bundle import NAMES, draw_disc, write_trusted


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> DogBreedClassifier:
    """A small bundle's."""
    path = write_trusted(tmp_path_factory.mktemp("models") / "bundle")
    return DogBreedClassifier.from_pretrained(path)


@pytest.fixture(scope="module")
def prediction(classifier) -> Prediction:
    """The answer to a red disc."""
    return classifier.predict(draw_disc(200))


@pytest.fixture
def confusing(classifier) -> Callable[..., Bundle]:
    """Makes the bundle one that has confused these breeds."""

    def confuse(**confused: tuple[str, ...]) -> Bundle:
        bundle = replace(classifier.bundle)
        vars(bundle)["confused"] = {"Red disc": confused["red"]} if confused else {}
        return bundle

    return confuse


def test_the_sentence_comes_first(prediction):
    sure = replace(prediction, prediction_set=("Red disc",))
    assert headline_html(sure, "en") == f"<p class='answer'>{sentence(sure, texts())}</p>"
    stranger = replace(prediction, looks_like_dog=False)
    assert headline_html(stranger, "de") == f"<p class='answer no-dog'>{texts('de')['no_dog']}</p>"


@pytest.mark.parametrize("language", LANGUAGES)
def test_three_breeds_that_are_named_together_are_chips(prediction, language):
    several = replace(prediction, prediction_set=("Pug", "Boxer", "Akita"))
    html = headline_html(several, language)
    lead = texts(language)["one_of"].partition("{breeds}")[0].strip()
    assert html.startswith(f"<p class='answer'>{lead}</p><ul class='chips'>")
    for breed in several.prediction_set:
        assert f"href='{read_more_link(breed, language)}'" in html and f">{breed}</a></li>" in html


def test_look_alikes_are_chips_and_the_promise_is_folded(prediction, confusing):
    html = more_html(prediction, "en", confusing(red=("Pug", "Boxer")))
    shown, folded = html.split("<details>")
    assert "Often confused with:</p>" in shown and shown.count("<li>") == 2
    assert f"href='{read_more_link('Red disc')}'" in shown and "rel='noopener'" in shown
    assert confidence(prediction, texts()) in folded and texts()["choose_breed"] in folded
    assert "<li>" not in more_html(prediction, "en", confusing())


def test_nothing_more_is_said_of_breeds_where_there_is_no_dog(prediction, confusing):
    stranger = replace(prediction, looks_like_dog=False)
    html = more_html(stranger, "en", confusing(red=("Pug",)))
    assert "<li>" not in html and "<a " not in html and "confidence" not in html


def test_a_note_about_the_photo_is_shown(prediction, confusing):
    noted = replace(prediction, note="The last third is missing.")
    assert more_html(noted, "de", confusing()).startswith("<p>The last third is missing.</p>")


def test_a_name_cannot_bring_markup_in(prediction, confusing):
    evil = "<img src=x>"
    labeled = replace(prediction, labels=(evil, *NAMES[1:]), prediction_set=(evil, "a", "b"))
    assert "<img" not in headline_html(labeled, "en") + more_html(
        labeled, "en", confusing(red=(evil,))
    )
