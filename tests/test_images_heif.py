"""HEIC: read as a phone shows it, and refused where any part is larger than the file says."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from dogbreed.errors import InvalidImageError
from dogbreed.images import load_image, prepare
from dogbreed.images.heif import _stream_size
from dogbreed.images.iso_media import still_picture
from tests.helpers.encoded import encode, oriented, pixels, refusal, smooth
from tests.helpers.examine import Examiner
from tests.helpers.heic import TILE, encoded, from_pillow, grid, parameters, stating
from tests.helpers.iso_boxes import of_any_length
from tests.helpers.tiny_bundle import write_bundle

# Mean difference of what was encoded and what is read; other photos are about 60 away.
_CLOSE = 12


def difference(data: bytes, expected: Image.Image) -> float:
    found = pixels(data).astype(int)
    assert found.shape == (expected.height, expected.width, 3)
    return float(np.abs(found - np.asarray(expected.convert("RGB"))).mean())


@pytest.mark.parametrize("chroma", [420, 422, 444])
def test_every_subsampling(chroma):
    assert difference(encoded(chroma=chroma, quality=90), smooth(96, 64)) < _CLOSE


def test_gray_transparency_and_more_than_8_bits():
    gray = smooth(96, 64).convert("L")
    assert difference(from_pillow(gray, quality=90), gray) < _CLOSE
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 51))
    assert (
        np.abs(pixels(from_pillow(clear, quality=100)).astype(int) - (255, 204, 204)).max() < _CLOSE
    )
    deep = Image.fromarray(np.full((64, 64), 32_896, np.uint16))
    assert difference(from_pillow(deep, quality=90), Image.new("L", (64, 64), 128)) < _CLOSE


@pytest.mark.parametrize("turns", range(4))
def test_a_grid_of_tiles_is_put_together_and_turned_as_the_container_says(turns):
    tile = load_image(encoded(TILE, TILE))
    whole = Image.new("RGB", (700, 500))
    for left in (0, TILE):
        whole.paste(tile, (left, 0))
    expected = whole.rotate(90 * turns, expand=True)
    assert difference(grid((700, 500), 2, 1, turns=turns), expected) < 2


def test_exif_does_not_turn_it():
    data = from_pillow(smooth(96, 64), exif=oriented(6).tobytes(), quality=95)
    # The encoder says it in the container too.
    data = data.replace(b"irot", b"free")
    assert difference(data, smooth(96, 64)) < _CLOSE


def test_the_photo_is_shown_and_not_what_lies_beside_it():
    import pillow_heif

    file = pillow_heif.from_pillow(smooth(96, 64))
    file.add_from_pillow(Image.new("RGB", (128, 128), "blue"))
    data = io.BytesIO()
    file.save(data, quality=90)
    assert difference(data.getvalue(), smooth(96, 64)) < _CLOSE


def test_a_name_does_not_matter(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(encoded())
    assert prepare(tmp_path / "photo.jpg", size=64).shape == (64, 64, 3)


def test_each_size_in_a_file_counts():
    data = grid((700, 500), 2, 1)
    assert "50 megapixels" in refusal(stating(data, 12_000, 12_000))
    assert "50 megapixels" in refusal(stating(data, 12_000, 12_000, which=1))
    plan = data.index(struct.pack(">II", 700, 500), data.index(b"idat"))
    assert "50 megapixels" in refusal(
        data[:plan] + struct.pack(">II", 9_000, 9_000) + data[plan + 8 :]
    )
    deep = encoded(chroma=444)
    assert "48 megapixels, too many for its format" in refusal(stating(deep, 8_000, 6_000))


@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize(
    ("chroma", "depth", "ordinary"),
    [(0, 8, True), (1, 8, True), (2, 8, False), (3, 8, False), (1, 10, False)],
)
def test_sequence_parameters(layers, chroma, depth, ordinary):
    unit = parameters(4_032, 3_024, chroma=chroma, depth=depth, layers=layers)
    assert _stream_size(unit) == ((4_032, 3_024), ordinary)
    # Pictures, and parameters of a further layer.
    assert _stream_size(b"\x26\1" + unit[2:]) is None
    assert _stream_size(b"\x42\x09" + unit[2:]) is None


def test_sizes_in_the_stream_count_too():
    large = parameters(16_384, 16_384)
    assert "50 megapixels" in refusal(grid((700, 500), 2, 1, parameters=large))
    assert "50 megapixels" in refusal(grid((700, 500), 2, 1, within=large))
    deep = parameters(6_000, 5_000, depth=10)
    assert "30 megapixels, too many for its format" in refusal(
        grid((700, 500), 2, 1, parameters=deep)
    )


def test_many_tiles_of_a_small_photo_are_not_decoded():
    whole = parameters(7_000, 7_000)
    assert "rare kind" in refusal(grid((700, 500), 2, 2, parameters=whole))
    assert "damaged" in refusal(grid((8_064, 6_048), 16, 12, shared=True))


def test_a_grid_of_itself_ends():
    data = grid((700, 500), 2, 1)
    at = data.index(b"dimg") + 8
    assert "rare kind" in refusal(data[:at] + struct.pack(">HH", 1, 1) + data[at + 4 :])


@pytest.mark.parametrize("kind", [b"av01", b"jpeg", b"unci", b"tmap"])
def test_other_codings_are_refused_in_a_sentence(kind):
    assert "rare kind" in refusal(encoded().replace(b"hvc1", kind))


def test_metadata_is_not_unpacked():
    data = from_pillow(smooth(64, 64), exif=oriented(1).tobytes())
    still, meta = still_picture(data, (b"Exif", b"cdsc"))
    headers = data.index(b"mdat")
    assert b"Exif" in meta and len(still) == len(data)
    assert b"Exif" not in still[:headers] and b"cdsc" not in still[:headers]


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_the_end_may_be_missing(share):
    for data in (encoded(300, 200), grid((700, 500), 2, 1)):
        assert "damaged" in refusal(data[: round(share * len(data))])


@pytest.mark.parametrize(
    "box",
    [b"meta", b"iloc", b"iinf", b"infe", b"iprp", b"ipco", b"ipma", b"iref", b"hvcC", b"ftyp"],
)
def test_a_box_of_any_length(box):
    for changed in of_any_length(grid((700, 500), 2, 1), box):
        try:
            shape = pixels(changed).shape
        except InvalidImageError:
            continue
        assert shape == (500, 700, 3)


def test_the_largest_photos_of_phones_are_answered_within_the_limits(tmp_path):
    model = write_bundle(tmp_path / "tiny")
    flat = from_pillow(Image.new("RGB", (TILE, TILE), "orange"))
    with Examiner(model) as examiner:
        for data in (grid((8_064, 6_048), 16, 12, tile=flat, turns=1), encoded(200, 150)):
            outcome = examiner.examine(data)
            assert (outcome.fault, outcome.refusal) == ("", "")
            assert outcome.megabytes < 600 and outcome.seconds < 5


def test_a_photo_of_two_in_one_is_the_first():
    """As cameras with two lenses and phones with a wide range of light write them."""
    first, second = smooth(96, 64), Image.new("RGB", (96, 64), "blue")
    data = encode(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert difference(data, first) < _CLOSE
    # Ultra HDR: the photo, then a gain map, which only its own metadata tells of.
    gain = encode(Image.new("L", (24, 16), 200), "JPEG")
    assert difference(encode(first, "JPEG", quality=95) + gain, first) < _CLOSE
