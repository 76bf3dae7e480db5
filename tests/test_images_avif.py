"""AVIF: read in every form, and refused where a picture inside is larger than the file says."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from dogbreed.errors import InvalidImageError
from dogbreed.images.avif import _largest_frame, read_avif
from tests.helpers.encoded import encode, oriented, pixels, refusal, smooth
from tests.helpers.iso_boxes import of_any_length
from tests.helpers.layout_bombs import exif_bomb


def avif(image: Image.Image, **options: object) -> bytes:
    return encode(image, "AVIF", speed=10, **options)


def stating(data: bytes, width: int, height: int) -> bytes:
    """The same file with another size in its container."""
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:0:0"])
def test_every_subsampling(subsampling):
    photo = smooth(96, 64)
    if subsampling == "4:0:0":
        photo = photo.convert("L")
    data = avif(photo, subsampling=subsampling, quality=90)
    assert np.abs(pixels(data).astype(int) - np.asarray(photo.convert("RGB"))).mean() < 6


def test_transparency():
    photo = Image.new("RGBA", (64, 64), (255, 0, 0, 51))
    data = avif(photo, quality=100)
    assert np.abs(pixels(data).astype(int) - (255, 204, 204)).max() <= 3


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (64, 64), name) for name in ("red", "blue", "lime")]
    data = avif(frames[0], save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert np.abs(pixels(data).astype(int) - (255, 0, 0)).max() <= 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation):
    photo = smooth(96, 64)
    data = avif(photo, exif=oriented(orientation), quality=95)
    image = Image.new("RGB", photo.size)
    image.paste(photo)
    image.getexif()[0x0112] = orientation
    expected = pixels(image).astype(int)
    assert pixels(data).shape == expected.shape
    assert np.abs(pixels(data) - expected).mean() < 6


def test_exif_is_not_unpacked():
    for seed in range(5):
        exif = exif_bomb(np.random.default_rng(seed))
        data = avif(smooth(64, 64), exif=exif)
        headers = data.index(b"mdat")
        assert b"Exif" in data[:headers] and b"Exif" not in read_avif(data)[:headers]
        assert pixels(data).shape == (64, 64, 3)


def test_a_picture_that_is_larger_than_the_file_says_is_refused():
    data = stating(avif(Image.new("L", (9_000, 9_000))), 64, 64)
    assert "megapixels" in refusal(data)
    assert "50 megapixels" in refusal(stating(avif(smooth(64, 64)), 12_000, 12_000))
    assert "29 megapixels" in refusal(stating(avif(smooth(64, 64)), 5_400, 5_400))


def test_content_that_lies_over_itself_is_refused():
    data = bytearray(avif(smooth(64, 64)))
    at = data.index(b"iloc") + 8
    # Version 0: sizes of the fields, count of items, number, reference, count of extents.
    assert data[at - 4] == 0
    data[at + 4 : at + 8] = b"\0\1\0\0"
    assert "damaged" in refusal(bytes(data[: at + 8] + b"\xff\xff" + data[at + 10 :]))


@pytest.mark.parametrize("box", [b"meta", b"iloc", b"iinf", b"mdat", b"ftyp"])
def test_a_box_of_any_length(box):
    for changed in of_any_length(avif(smooth(64, 64)), box):
        try:
            shape = pixels(changed).shape
        except InvalidImageError:
            continue
        assert shape == (64, 64, 3)


def bits(*fields: tuple[int, int]) -> bytes:
    """Numbers (value, bits) one after the other, from the first bit on."""
    text = "".join(f"{value:0{count}b}" for value, count in fields)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


SIZE = ((9, 4), (8, 4), (640, 10), (480, 9))


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        # Profile, still picture, only that, level.
        (((0, 3), (1, 1), (1, 1), (5, 5)), (641, 481)),
        # No timing, no display delay, one operating point of a low level.
        (((0, 3), (0, 1), (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (5, 5)), (1024, 512)),
        # The same of a high level, which has a tier.
        (((0, 3), (0, 1), (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (9, 5), (1, 1)), (1024, 512)),
        # Timing with an interval of three zeros and as many bits, and a model of the decoder.
        (
            (
                *((0, 3), (0, 1), (0, 1), (1, 1), (1, 32), (25, 32), (1, 1), (0, 3), (1, 1)),
                *((5, 3), (1, 1), (9, 5), (1, 32), (9, 5), (9, 5), (1, 1), (1, 5)),
                *((0, 12), (5, 5), (1, 1), (7, 10), (7, 10), (0, 1), (1, 1), (3, 4)),
                *((0, 12), (5, 5), (0, 1), (0, 1)),
            ),
            (1024, 512),
        ),
    ],
)
def test_the_size_in_a_sequence_header(fields, size):
    assert _largest_frame(bits(*fields, *SIZE)) == size
