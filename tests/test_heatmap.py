"""The heatmap: evidence over the photo, labels above it."""

import numpy as np
import pytest
from PIL import Image

from dogbreed.heatmap import draw_heatmap, overlay
from dogbreed.images import RESIZE_METHODS
from dogbreed.prediction import Prediction
from dogbreed.wording import as_lines
from tests.helpers.tiny_bundle import CELLS, NAMES, noise

BLUE = (0, 0, 255)


def at_corner(value: float = 1, elsewhere: float = 0) -> np.ndarray:
    """Evidence in the top left quarter only."""
    evidence = np.full((CELLS, CELLS), elsewhere, np.float32)
    evidence[:4, :4] = value
    return evidence


def changed(photo: Image.Image, evidence: np.ndarray, resize: str = "squash") -> np.ndarray:
    """Where the overlay shows something, bool of shape (height, width)."""
    result = overlay(photo, evidence, resize)
    assert (result.size, result.mode) == (photo.size, "RGB")
    return (np.asarray(result) != np.asarray(photo)).any(axis=-1)


def predict(evidence: np.ndarray) -> Prediction:
    """An answer whose best label has this evidence."""
    probabilities = (0.86124, 0.1, 0.03876)
    evidence_map = np.dstack([evidence, -evidence, -evidence])
    return Prediction(NAMES, probabilities, (0, 1, 2), evidence_map)


@pytest.mark.parametrize("resize", RESIZE_METHODS)
@pytest.mark.parametrize("size", [(60, 40), (40, 60), (8, 8), (33, 47)])
def test_without_evidence_the_photo_is_as_it_was(resize, size):
    photo = Image.fromarray(noise(*size))
    with np.errstate(all="raise"):
        assert not changed(photo, np.zeros((CELLS, CELLS)), resize).any()
        assert not changed(photo, np.full((CELLS, CELLS), -3.0), resize).any()


def test_evidence_is_shown_where_it_is():
    photo = Image.new("RGB", (160, 80), BLUE)
    shown = changed(photo, at_corner())
    assert shown[:35, :70].all()
    assert not shown[50:].any() and not shown[:, 100:].any()
    red, _, blue = np.asarray(overlay(photo, at_corner()))[10, 20]
    assert red > 100 and blue < 200


def test_evidence_against_the_label_is_not_shown():
    photo = Image.new("RGB", (160, 80), BLUE)
    against = overlay(photo, at_corner(elsewhere=-5))
    assert np.array_equal(np.asarray(against), np.asarray(overlay(photo, at_corner())))


def test_the_strongest_evidence_is_the_reddest_whatever_its_size():
    photo = Image.new("RGB", (80, 80), BLUE)
    weak, strong = overlay(photo, at_corner(0.01)), overlay(photo, at_corner(50))
    assert np.abs(np.asarray(weak, int) - np.asarray(strong, int)).max() <= 1
    both = np.asarray(overlay(photo, at_corner(1, elsewhere=0.5)), int)
    assert both[10, 10, 0] > both[70, 70, 0] > 0


def test_bars_of_a_letterbox_are_not_part_of_the_photo():
    photo = Image.new("RGB", (160, 80), BLUE)
    bars = np.zeros((CELLS, CELLS), np.float32)
    bars[:1] = bars[-1:] = 1
    assert not changed(photo, bars, "letterbox").any()
    inside = np.zeros((CELLS, CELLS), np.float32)
    inside[2:4] = 1  # The upper half of the photo.
    shown = changed(photo, inside, "letterbox")
    assert shown[5:30].all() and not shown[60:].any()


def test_what_a_crop_leaves_out_has_no_evidence():
    photo = Image.new("RGB", (160, 80), BLUE)
    shown = changed(photo, np.ones((CELLS, CELLS)), "crop")
    assert shown[5:75, 45:115].all()
    assert shown.sum() == 70 * 70


@pytest.mark.parametrize("size", [(320, 160), (30, 60), (640, 480), (2000, 100)])
def test_the_heatmap_is_the_photo_below_its_labels(size):
    photo = Image.new("RGB", size, BLUE)
    heatmap = draw_heatmap(photo, predict(at_corner()))
    height = round(640 * size[1] / size[0])
    assert heatmap.width == 640
    pixels = np.asarray(heatmap)
    header = pixels[:-height]
    assert header[0].min() == 255 and header.min() < 100
    below = pixels[-height:]
    assert (below[-1, -1] == BLUE).all() and (below[height // 4, 160] != BLUE).any()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_label_has_a_line_in_the_heatmap(count):
    three = predict(at_corner())
    prediction = Prediction(
        NAMES[:count], three.probabilities[:count], three.ids[:count], three.evidence_map
    )
    heatmap = draw_heatmap(Image.new("RGB", (64, 64)), prediction)
    title = np.asarray(heatmap.convert("L"))[:-640]
    inked = (title < 160).any(axis=1).astype(int)
    assert (np.diff(inked) == 1).sum() == count


def test_as_lines():
    assert as_lines(predict(at_corner())) == [
        "Red disc: 86.12%",
        "Green square: 10.00%",
        "Blue triangle: 3.88%",
    ]
    assert as_lines(Prediction(NAMES[:1], (1.0,), (0,), np.zeros((1, 1, 1)))) == [
        "Red disc: 100.00%"
    ]
