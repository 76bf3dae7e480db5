"""TIFF files and EXIF: layouts that take much from little, and what is read all the same."""

import struct

import numpy as np
import pytest
from PIL import Image

from dogbreed.images.ifd import exif_orientation
from tests.helpers.encoded import UPRIGHT, encode, oriented, pixels, refusal, smooth
from tests.helpers.examine import Examiner
from tests.helpers.layout_bombs import tiff, tiff_layout
from tests.helpers.packed import zeros
from tests.helpers.tiny_bundle import write_bundle


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "tiff_lzw"},
        {"compression": "tiff_adobe_deflate"},
        {"compression": "packbits"},
        {"compression": "zstd"},
        {"compression": "lzma"},
        {"big_tiff": True},
        {"strip_size": 64 * 3},
    ],
)
def test_tiffs_of_every_layout(options):
    assert np.array_equal(pixels(encode(UPRIGHT, "TIFF", **options)), UPRIGHT)


def test_a_tiff_with_jpeg_inside():
    photo = smooth(64, 64)
    data = encode(photo, "TIFF", compression="jpeg", quality=95)
    assert np.abs(pixels(data).astype(int) - np.asarray(photo)).mean() < 4


def test_the_first_page_of_several():
    pages = [Image.new("RGB", (16, 16), name) for name in ("red", "blue")]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert (pixels(data) == (255, 0, 0)).all()


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize(("kind", "size"), [(7, 1), (4, 4), (5, 8)])
def test_tags_that_share_one_place_are_refused(repeated, kind, size):
    data = bytes(1_000_000)
    tags = [(700 if repeated else 40_000 + i, kind, len(data) // size, 8) for i in range(300)]
    assert "damaged" in refusal(tiff([*tiff_layout(64, 64), *tags], data))


def test_inner_directories_count_too():
    data = bytes(1_000_000)
    inner = tiff([(40_000 + i, 7, len(data), 8) for i in range(300)], data)
    place = struct.unpack("<I", inner[4:8])[0]
    layout = [*tiff_layout(64, 64), (34665, 4, 1, place)]
    outer = inner + struct.pack("<H", len(layout))
    outer += b"".join(struct.pack("<HHII", *entry) for entry in sorted(layout)) + bytes(4)
    assert "damaged" in refusal(outer[:4] + struct.pack("<I", len(inner)) + outer[8:])


@pytest.mark.parametrize("tags", [[273, 278, 279], [322, 323, 324, 325]])
def test_strips_and_tiles_without_number_are_refused(tags):
    count = 200_000
    layout = [tag for tag in tiff_layout(64, 64) if tag[0] not in (273, 278, 279)]
    small = [(tag, 4, 1, 16) for tag in tags if tag in (278, 322, 323)]
    many = [(tag, 4, count, 8) for tag in tags if tag not in (278, 322, 323)]
    assert "damaged" in refusal(tiff([*layout, *small, *many], bytes(4 * count * 2)))


def test_a_tile_that_is_larger_than_memory_is_refused():
    layout = {tag[0]: tag for tag in tiff_layout(64, 64)}
    layout |= {259: (259, 3, 1, 8), 322: (322, 4, 1, 40_000), 323: (323, 4, 1, 40_000)}
    layout |= {324: (324, 4, 1, 8), 325: (325, 4, 1, 100)}
    assert "megapixels" in refusal(tiff(list(layout.values()), zeros(100_000)))


def test_a_tiff_of_any_size_is_refused_by_its_header():
    for size in ((60_000, 60_000), (2**31, 2**31), (100_000, 600)):
        assert "50 megapixels" in refusal(tiff(tiff_layout(*size)[:8], bytes(64)))


def test_the_largest_strip_stays_in_memory(tmp_path):
    side = 6_800
    layout = {tag[0]: tag for tag in tiff_layout(side, side)}
    packed = zeros(side * side)
    layout |= {259: (259, 3, 1, 8), 279: (279, 4, 1, len(packed))}
    with Examiner(write_bundle(tmp_path / "tiny")) as examiner:
        outcome = examiner.examine(tiff(list(layout.values()), packed))
    assert outcome.fault == outcome.refusal == ""
    assert outcome.megabytes < 600 and outcome.seconds < 5


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_in_exif(order, orientation):
    exif = oriented(orientation)
    exif.endian = order
    block = exif.tobytes()
    assert exif_orientation(block) == exif_orientation(block.removeprefix(b"Exif\0\0"))
    assert exif_orientation(block) == orientation


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0",
        b"II*\0\x08\0\0\0\xff\xff" + bytes(30),
        b"no exif at all",
        tiff([(274, 3, 1, 0)]),
        tiff([(274, 3, 1, 9)]),
        tiff([(274, 3, 0, 6)]),
        tiff([(274, 2, 1, 6)]),
        tiff([(274, 5, 1, 6)]),
        tiff([(274, 4, 1, 2**32 - 1)]),
        tiff([(274, 3, 2**31, 2**31)]),
    ],
)
def test_broken_exif_is_upright(exif):
    assert exif_orientation(exif) == 1
