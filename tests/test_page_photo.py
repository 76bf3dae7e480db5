"""The handlers of the photo tab, called without a browser."""

from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.page.i18n import texts
from dogbreed.page.photo import SHOWN_SIDE, Answered, PhotoHandlers, answer_html
from dogbreed.wording import read_more_link, sentence
from tests.helpers.tiny_bundle import NAMES, draw_disc, write_trusted
from tests.helpers.visitor import click_on, visitor


@pytest.fixture(scope="module")
def handlers(tmp_path_factory) -> PhotoHandlers:
    """Those of a small bundle."""
    bundle = write_trusted(tmp_path_factory.mktemp("models") / "bundle")
    return PhotoHandlers(DogBreedClassifier.from_pretrained(bundle))


@pytest.fixture
def photo(tmp_path) -> str:
    """A red disc."""
    draw_disc(200).save(tmp_path / "disc.png")
    return str(tmp_path / "disc.png")


@pytest.fixture
def answered(handlers, photo) -> Answered:
    """The disc and the answer to it."""
    _, answered = handlers.answer(photo)
    return answered


def test_an_answer_is_what_python_gives(handlers, photo):
    labels, answered = handlers.answer(photo)
    assert answered == Answered(photo, handlers.classifier.predict(photo))
    assert labels == answered.prediction.as_dict() and next(iter(labels)) == "Red disc"


def test_no_photo_is_no_answer(handlers):
    assert handlers.answer(None) == (None, None)


def test_a_photo_that_cannot_be_used_is_told_in_one_sentence(handlers, tmp_path):
    (tmp_path / "text.png").write_text("this is not an image")
    with pytest.raises(gr.Error, match="This file is not an image that can be read") as told:
        handlers.answer(str(tmp_path / "text.png"))
    # It stays until the visitor closes it, and is not a fault for the log.
    assert told.value.duration is None and not told.value.print_exception


def test_a_new_answer_is_shown_with_the_evidence_for_its_best_label(handlers, answered):
    html, evidence, chosen = handlers.show(answered, 1.0, visitor("de"))
    words = texts("de")
    assert html == answer_html(answered.prediction, "de", handlers.classifier.bundle)
    assert chosen == "Red disc"
    assert evidence["label"] == words["evidence_for"].format(breed="Red disc")
    assert evidence["alt_text"] == words["evidence_alt"].format(breed="Red disc")
    # The disc is at the top left, and evidence is drawn in warm colors over it.
    drawn = np.asarray(evidence["value"]).astype(int)
    assert drawn.shape == (200, 200, 3)
    change = np.abs(drawn - np.asarray(draw_disc(200))).sum(axis=2)
    assert change[:100, :100].mean() > 5 * max(change[110:, 110:].mean(), 1)


def test_without_an_answer_the_page_waits(handlers):
    html, evidence, chosen = handlers.show(None, 1.0, visitor())
    assert html == f"<p>{texts()['waiting']}</p>"
    assert evidence["value"] is None and evidence["label"] == texts()["evidence"]
    assert chosen is None


def test_a_click_shows_the_evidence_for_that_label(handlers, answered):
    _, first, _ = handlers.show(answered, 1.0, visitor())
    label = answered.prediction.labels[1]
    update, chosen = handlers.choose(answered, 1.0, visitor(), click_on(label))
    assert chosen == label and label in update["label"]
    assert np.any(np.asarray(update["value"]) != np.asarray(first["value"]))


@pytest.mark.parametrize("value", ["Poodle", "<b>"])
def test_a_click_on_what_is_not_a_label_changes_nothing(handlers, answered, value):
    nothing = (gr.skip(), gr.skip())
    assert handlers.choose(answered, 1.0, visitor(), click_on(value)) == nothing
    assert handlers.choose(None, 1.0, visitor(), click_on("Red disc")) == nothing


def test_the_slider_draws_the_chosen_evidence_weaker(handlers, answered):
    bare = np.asarray(draw_disc(200)).astype(int)
    changes = []
    for strength in (0.0, 0.5, 1.0):
        update = handlers.draw(answered, "Red disc", strength, visitor())
        changes.append(np.abs(np.asarray(update["value"]) - bare).mean())
    assert changes[0] == 0 and changes[0] < changes[1] < changes[2]


def test_the_slider_does_nothing_before_there_is_an_answer(handlers, answered):
    assert handlers.draw(None, "Red disc", 1.0, visitor()) == gr.skip()
    assert handlers.draw(answered, None, 1.0, visitor()) == gr.skip()


def test_a_large_photo_is_drawn_smaller_and_decoded_once(handlers, tmp_path):
    path = tmp_path / "large.jpg"
    Image.new("RGB", (3 * SHOWN_SIDE, 2 * SHOWN_SIDE), "red").save(path)
    _, answered = handlers.answer(str(path))
    _, evidence, _ = handlers.show(answered, 1.0, visitor())
    assert evidence["value"].size == (SHOWN_SIDE, SHOWN_SIDE * 2 // 3)
    (small,) = set(tmp_path.iterdir()) - {path}
    with Image.open(small) as kept:
        assert kept.size == evidence["value"].size
    # What is shown next comes from the small copy.
    Image.new("RGB", (30, 20), "red").save(small)
    assert handlers.draw(answered, "Red disc", 0.5, visitor())["value"].size == (30, 20)


@pytest.mark.parametrize("size", [(10, 12_000), (12_000, 10)])
def test_a_very_long_photo_has_evidence_too(handlers, tmp_path, size):
    path = tmp_path / "long.png"
    Image.new("RGB", size, "red").save(path)
    _, answered = handlers.answer(str(path))
    _, evidence, _ = handlers.show(answered, 1.0, visitor())
    assert max(evidence["value"].size) == SHOWN_SIDE and min(evidence["value"].size) >= 1


def test_a_photo_that_has_been_deleted_is_told(handlers, tmp_path):
    path = tmp_path / "large.jpg"
    Image.new("RGB", (3 * SHOWN_SIDE, 2 * SHOWN_SIDE), "red").save(path)
    _, answered = handlers.answer(str(path))
    handlers.show(answered, 0.5, visitor("de"))
    # Its small copy may be younger, and is not shown any more either.
    path.unlink()
    with pytest.raises(gr.Error, match="wurde vom Server gelöscht"):
        handlers.draw(answered, "Red disc", 0.5, visitor("de"))


def test_a_refused_photo_takes_the_last_answer_away(handlers):
    html, evidence, chosen, labels, answered = handlers.refuse(visitor("fr"))
    assert texts("fr")["unreadable"] in html
    assert evidence["value"] is None
    assert (chosen, labels, answered) == (None, None, None)


def test_the_answer_as_html(answered, handlers):
    bundle = handlers.classifier.bundle
    vars(bundle)["confused"] = {"Red disc": ("Blue triangle",)}
    prediction = answered.prediction
    html = answer_html(prediction, "en", bundle)
    assert html.startswith(f"<p class='answer'>{sentence(prediction, texts())}</p>")
    assert "With 95% confidence: Red disc" in html
    assert f"href='{read_more_link('Red disc')}'" in html and "rel='noopener'" in html
    assert "<p>Often confused with: Blue triangle.</p>" in html

    stranger = replace(prediction, looks_like_dog=False)
    assert f"<p class='answer no-dog'>{texts()['no_dog']}</p>" in answer_html(
        stranger, "en", bundle
    )


def test_a_note_about_the_photo_is_shown(answered, handlers):
    prediction = replace(answered.prediction, note="The last third is missing.")
    assert "<p>The last third is missing.</p>" in answer_html(
        prediction, "de", handlers.classifier.bundle
    )


def test_a_name_cannot_bring_markup_in(answered, handlers):
    evil = replace(
        answered.prediction, labels=("<img src=x>", *NAMES[1:]), prediction_set=("<img src=x>",)
    )
    assert "<img" not in answer_html(evil, "en", handlers.classifier.bundle)
