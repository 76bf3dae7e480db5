"""The handlers of the photo tab, called without a browser."""

from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.page.answer import headline_html, more_html
from dogbreed.page.i18n import texts
from dogbreed.page.photo import SHOWN_SIDE, Answered, PhotoHandlers
from dogbreed.page.refusals import GONE
from tests.helpers.heic import encoded
from tests.helpers.tiny_bundle import draw_disc, write_trusted
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


def test_a_new_answer_is_shown_beside_the_photo_as_it_is(handlers, answered):
    html, breeds, more, photo, chosen, _ = handlers.show(answered, False, visitor("de"))
    words, bundle = texts("de"), handlers.classifier.bundle
    assert html == headline_html(answered.prediction, "de")
    assert more == more_html(answered.prediction, "de", bundle)
    assert breeds["label"] == words["breeds"] and breeds["open"]
    assert photo["label"] == words["photo"] and photo["alt_text"] == words["photo_alt"]
    assert np.array_equal(photo["value"], draw_disc(200))
    assert chosen == "Red disc"


def test_breeds_are_folded_where_there_is_no_dog(handlers, answered):
    stranger = Answered(answered.photo, replace(answered.prediction, looks_like_dog=False))
    html, breeds, *_ = handlers.show(stranger, False, visitor())
    assert texts()["no_dog"] in html
    assert breeds["label"] == texts()["after_all"] and not breeds["open"]


def test_evidence_is_folded_with_the_box_that_takes_it_away(handlers, answered):
    stranger = Answered(answered.photo, replace(answered.prediction, looks_like_dog=False))
    *_, photo, chosen, overlaid = handlers.show(stranger, True, visitor())
    assert overlaid is False and photo["label"] == texts()["photo"]
    assert np.array_equal(photo["value"], draw_disc(200))
    # Who opens the breeds can ask for it.
    assert "Red disc" in handlers.draw(stranger, chosen, True, visitor())["label"]


def test_evidence_is_laid_over_the_photo_itself(handlers, answered):
    _, _, _, photo, _, overlaid = handlers.show(answered, True, visitor("de"))
    assert overlaid == gr.skip()
    words = texts("de")
    assert photo["label"] == words["evidence_for"].format(breed="Red disc")
    assert photo["alt_text"] == words["evidence_alt"].format(breed="Red disc")
    # The disc is at the top left, and evidence is drawn in warm colors over it.
    drawn = np.asarray(photo["value"]).astype(int)
    assert drawn.shape == (200, 200, 3)
    change = np.abs(drawn - np.asarray(draw_disc(200))).sum(axis=2)
    assert change[:100, :100].mean() > 5 * max(change[110:, 110:].mean(), 1)


def test_without_an_answer_there_is_nothing_but_the_way_to_a_photo(handlers):
    html, breeds, more, photo, chosen, _ = handlers.show(None, True, visitor())
    assert (html, more, chosen) == ("", "", None)
    assert breeds["open"] and photo["label"] == texts()["photo"]
    # What the visitor does with the photo itself is left alone.
    assert "value" not in photo


def test_a_click_shows_the_evidence_for_that_label(handlers, answered):
    first = handlers.draw(answered, "Red disc", True, visitor())
    label = answered.prediction.labels[1]
    photo, overlaid, chosen = handlers.choose(answered, visitor(), click_on(label))
    assert overlaid and chosen == label and label in photo["label"]
    assert np.any(np.asarray(photo["value"]) != np.asarray(first["value"]))


@pytest.mark.parametrize("value", ["Poodle", "<b>"])
def test_a_click_on_what_is_not_a_label_changes_nothing(handlers, answered, value):
    nothing = (gr.skip(), gr.skip(), gr.skip())
    assert handlers.choose(answered, visitor(), click_on(value)) == nothing


def test_the_evidence_is_taken_away_again(handlers, answered):
    photo = handlers.draw(answered, "Red disc", False, visitor())
    assert np.array_equal(photo["value"], draw_disc(200))


def test_the_box_does_nothing_before_there_is_an_answer(handlers, answered):
    assert handlers.draw(None, None, True, visitor()) == gr.skip()
    assert handlers.draw(answered, None, True, visitor()) == gr.skip()


def test_a_click_after_the_answer_was_forgotten_is_refused_in_a_sentence(handlers):
    with pytest.raises(gr.Error, match=GONE):
        handlers.choose(None, visitor(), click_on("Red disc"))
    with pytest.raises(gr.Error, match=GONE):
        handlers.draw(None, "Red disc", True, visitor())


def test_what_browsers_cannot_show_is_shown(handlers, tmp_path):
    (tmp_path / "IMG.HEIC").write_bytes(encoded())
    _, answered = handlers.answer(str(tmp_path / "IMG.HEIC"))
    photo = handlers.draw(answered, answered.prediction.labels[0], False, visitor())
    assert photo["value"].size == (96, 64)


def test_a_large_photo_is_drawn_smaller_and_decoded_once(handlers, tmp_path):
    path = tmp_path / "large.jpg"
    Image.new("RGB", (3 * SHOWN_SIDE, 2 * SHOWN_SIDE), "red").save(path)
    _, answered = handlers.answer(str(path))
    evidence = handlers.draw(answered, "Red disc", True, visitor())
    assert evidence["value"].size == (SHOWN_SIDE, SHOWN_SIDE * 2 // 3)
    (small,) = set(tmp_path.iterdir()) - {path}
    with Image.open(small) as kept:
        assert kept.size == evidence["value"].size
    # What is shown next comes from the small copy.
    Image.new("RGB", (30, 20), "red").save(small)
    assert handlers.draw(answered, "Red disc", False, visitor())["value"].size == (30, 20)


@pytest.mark.parametrize("size", [(10, 12_000), (12_000, 10)])
def test_a_very_long_photo_has_evidence_too(handlers, tmp_path, size):
    path = tmp_path / "long.png"
    Image.new("RGB", size, "red").save(path)
    _, answered = handlers.answer(str(path))
    evidence = handlers.draw(answered, "Red disc", True, visitor())
    assert max(evidence["value"].size) == SHOWN_SIDE and min(evidence["value"].size) >= 1


def test_a_photo_that_has_been_deleted_is_told(handlers, tmp_path):
    path = tmp_path / "large.jpg"
    Image.new("RGB", (3 * SHOWN_SIDE, 2 * SHOWN_SIDE), "red").save(path)
    _, answered = handlers.answer(str(path))
    handlers.show(answered, True, visitor("de"))
    # Its small copy may be younger, and is not shown any more either.
    path.unlink()
    with pytest.raises(gr.Error, match=GONE):
        handlers.draw(answered, "Red disc", True, visitor("de"))


def test_a_refused_photo_takes_the_last_answer_away(handlers):
    html, _, more, photo, chosen, _, labels, answered = handlers.refuse(visitor("fr"))
    assert texts("fr")["unreadable"] in html and more == ""
    assert photo["label"] == texts("fr")["photo"]
    assert (chosen, labels, answered) == (None, None, None)
