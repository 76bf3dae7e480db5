"""Views of a photo: what is random stays in its ranges, and cannot be told from the dataset."""

import io

import numpy as np
import pytest
from PIL import Image

from dogbreed.errors import InvalidImageError
from dogbreed.images import prepare
from dogbreed.train.network.views import change_colors, crop, degrade, draw_view, view_names
from tests.helpers.encoded import smooth


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """A photo with detail of every size, 640 × 480."""
    rng = np.random.default_rng(0)
    layers = [
        np.kron(rng.uniform(0, 255, (480 // step, 640 // step, 3)), np.ones((step, step, 1)))
        for step in (1, 4, 16, 80)
    ]
    return Image.fromarray(np.mean(layers, axis=0).astype(np.uint8))


def detail(square: np.ndarray) -> float:
    """How much neighboring pixels differ."""
    return float(np.abs(np.diff(square.astype(float), axis=1)).mean())


def test_view_names():
    assert view_names(0) == ["plain"]
    assert view_names(2) == ["plain", "random-1", "random-2"]


def test_plain_and_mirror_are_what_is_served(photo):
    served = prepare(photo, 75, "crop")
    np.testing.assert_array_equal(draw_view(photo, "plain", 75, "crop", (0, 0)), served)
    np.testing.assert_array_equal(draw_view(photo, "mirror", 75, "crop", (0, 0)), served[:, ::-1])


@pytest.mark.parametrize("view", ["random-1", "degraded-1"])
def test_seed_row_and_name_decide_a_random_view(photo, view):
    first = draw_view(photo, view, 75, "crop", (42, 7))
    assert first.shape == (75, 75, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, draw_view(photo, view, 75, "crop", (42, 7)))
    other = view.replace("1", "2")
    for name, seed in ((view, (41, 7)), (view, (42, 8)), (other, (42, 7))):
        assert not np.array_equal(first, draw_view(photo, name, 75, "crop", seed))


def test_random_crops_keep_their_ranges():
    width, height = 600, 400
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    places = Image.fromarray(np.stack([x // 3, y // 2, np.zeros_like(x)], 2).astype(np.uint8))
    rng = np.random.default_rng(0)
    crops = [crop(places, rng) for _ in range(1000)]
    sizes = np.array([each.size for each in crops])
    sides = np.sqrt(sizes.prod(axis=1)) / height
    assert 0.59 < sides.min() < 0.63 and 0.95 < sides.max() <= 1.01
    shapes = sizes[:, 0] / sizes[:, 1]
    assert 0.74 < shapes.min() < 0.8 and 1.25 < shapes.max() < 1.35
    # They reach every edge, also what the middle square would never show.
    edges = np.array([[np.asarray(c)[0, 0, :2], np.asarray(c)[-1, -1, :2]] for c in crops])
    assert edges[:, 0, 0].min() == 0 and edges[:, 1, 0].max() == (width - 1) // 3
    assert edges[:, 0, 1].min() == 0 and edges[:, 1, 1].max() == (height - 1) // 2


def test_degraded_copies_are_smaller_blurred_or_compressed_but_show_the_same(photo):
    rng = np.random.default_rng(0)
    copies = [degrade(photo, rng, 299) for _ in range(100)]
    shorts = np.array([min(copy.size) for copy in copies])
    assert 100 < shorts.min() < 125 and 420 < shorts.max() <= 480
    for copy in copies:
        assert abs(copy.width / copy.height - 4 / 3) < 0.02
    squares = np.stack([np.asarray(copy.resize((75, 75), 2)) for copy in copies]).astype(float)
    plain = np.asarray(photo.resize((75, 75), 2)).astype(float)
    assert np.abs(squares - plain).mean() < 12
    details = [detail(square) for square in squares]
    assert max(details) > 1.2 * min(details)


def test_a_small_photo_is_not_enlarged():
    small = smooth(90, 60)
    rng = np.random.default_rng(0)
    assert {degrade(small, rng, 299).size for _ in range(20)} == {(90, 60)}


def test_two_datasets_that_differ_in_sharpness_look_alike_when_degraded(photo):
    """The detector must not be able to tell 224-pixel copies from 640-pixel ones."""
    file = io.BytesIO()
    photo.resize((224, 168), 2).save(file, "JPEG", quality=60)
    soft = Image.open(io.BytesIO(file.getvalue())).convert("RGB")

    def details(image: Image.Image, view: str) -> np.ndarray:
        return np.array(
            [detail(draw_view(image, view, 299, "crop", (0, row))) for row in range(60)]
        )

    plain = details(photo, "plain")[0] / details(soft, "plain")[0]
    sharp, blurred = details(photo, "degraded-1"), details(soft, "degraded-1")
    assert plain > 1.5
    assert np.median(sharp) / np.median(blurred) < (1 + plain) / 2
    # The ranges overlap: half of the degraded sharp ones are no sharper than the sharpest soft one.
    assert (sharp <= blurred.max()).mean() > 0.4


def test_colors_change_by_a_quarter_at_most():
    gray = Image.new("RGB", (20, 20), (100, 100, 100))
    rng = np.random.default_rng(0)
    found = np.array([np.asarray(change_colors(gray, rng)).mean() for _ in range(300)])
    assert 70 <= found.min() < 80 and 120 < found.max() <= 130


def test_what_is_not_a_photo_is_refused_and_an_unknown_view_too():
    with pytest.raises(InvalidImageError):
        draw_view(b"no photo", "random-1", 75, "crop", (0, 0))
    with pytest.raises(ValueError, match="no view 'upside-down'"):
        draw_view(smooth(90, 60), "upside-down", 75, "crop", (0, 0))
