"""The live tab: what a frame is answered, and how answers are smoothed over time."""

import numpy as np
import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.page.i18n import texts
from dogbreed.page.live import PAUSE, FrameHandler, smooth, top_labels
from tests.helpers.tiny_bundle import draw_disc, write_trusted
from tests.helpers.visitor import visitor


@pytest.fixture(scope="module")
def answer(tmp_path_factory) -> FrameHandler:
    """The handler of a small bundle."""
    bundle = write_trusted(tmp_path_factory.mktemp("models") / "bundle")
    return FrameHandler(DogBreedClassifier.from_pretrained(bundle))


def test_the_first_frame_is_answered_like_a_photo(answer):
    labels, note, state = answer(draw_disc(), None, visitor())
    assert labels == pytest.approx(answer.classifier.predict(draw_disc()).as_dict())
    assert note == "" and state.looks_like_dog


def test_frames_without_a_dog_are_told_in_the_language_of_the_visitor(answer):
    _, note, state = answer(Image.new("RGB", (32, 32), "blue"), None, visitor("de"))
    assert note == f"<p class='no-dog'>{texts('de')['no_dog']}</p>"
    assert not state.looks_like_dog


def test_a_new_frame_moves_the_answer_only_a_little(answer):
    _, _, first = answer(draw_disc(), None, visitor())
    _, _, second = answer(draw_disc(color="lime"), first, visitor())
    alone = answer.classifier.predict(draw_disc(color="lime"))
    target = answer.classifier.probabilities(alone.evidence_map)
    assert second.time > first.time
    moved = np.abs(second.probabilities - first.probabilities).sum()
    assert 0 < moved < np.abs(target - first.probabilities).sum() / 2


def test_a_stopped_camera_clears_the_answer(answer):
    _, _, state = answer(draw_disc(), None, visitor())
    assert answer(None, state, visitor()) == (None, "", None)


def test_smoothing_does_not_depend_on_the_rate_and_forgets_after_a_pause():
    before, after = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    slow = smooth(smooth(None, before, True, 0.0), after, False, 1.0)
    fast = smooth(None, before, True, 0.0)
    for step in range(1, 21):
        fast = smooth(fast, after, False, step / 20)
    assert np.allclose(slow.probabilities, fast.probabilities)
    assert slow.no_dog == pytest.approx(fast.no_dog)
    assert not slow.looks_like_dog
    assert slow.probabilities.sum() == pytest.approx(1)
    assert 0.8 < slow.probabilities[1] < 0.95
    later = smooth(smooth(None, before, False, 0.0), after, True, PAUSE + 0.1)
    assert later.probabilities.tolist() == [0.0, 1.0] and later.looks_like_dog


def test_one_odd_frame_does_not_change_the_label():
    steady, odd = np.array([0.9, 0.1]), np.array([0.1, 0.9])
    state = None
    for step in range(10):
        state = smooth(state, odd if step == 5 else steady, step != 5, step / 10)
        assert next(iter(top_labels(state, ("Pug", "Boxer")))) == "Pug"
        assert state.looks_like_dog
