"""Pixels of every mode and depth become RGB, upright."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.helpers.encoded import UPRIGHT, color, encode, oriented, pixels
from tests.helpers.image_bombs import png
from tests.helpers.layout_bombs import tiff, tiff_layout

# How the pixels lie in a file whose EXIF orientation turns them upright.
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.transpose(1, 0, 2),
    6: np.rot90(UPRIGHT),
    7: UPRIGHT[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(UPRIGHT, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_undone(orientation):
    stored = STORED[orientation]
    for kind in ("PNG", "TIFF", "WebP"):
        options = {"lossless": True} if kind == "WebP" else {}
        data = encode(stored, kind, exif=oriented(orientation), **options)
        assert np.array_equal(pixels(data), UPRIGHT), kind
        assert np.array_equal(pixels(Image.open(io.BytesIO(data))), UPRIGHT), kind
    jpeg = pixels(encode(stored, "JPEG", exif=oriented(orientation), quality=100, subsampling=0))
    assert np.allclose(jpeg, UPRIGHT, atol=4)


@pytest.mark.parametrize("exif", [b"Exif\0\0 broken", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"])
def test_broken_exif_does_not_hide_the_photo(exif):
    jpeg = pixels(encode(UPRIGHT, "JPEG", exif=exif, quality=100, subsampling=0))
    assert np.allclose(jpeg, UPRIGHT, atol=4)


@pytest.mark.parametrize("kind", ["GIF", "WebP", "PNG"])
def test_the_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (16, 16), name) for name in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "WebP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    image = Image.open(io.BytesIO(data))
    assert image.n_frames == 3
    image.seek(2)
    assert color(data) == (255, 0, 0)
    assert color(image) == (255, 0, 0)


def test_transparency_is_composed_on_white():
    half_red = Image.new("RGBA", (16, 16), (255, 0, 0, 51))
    half_gray = Image.new("LA", (16, 16), (0, 51))
    for source in (half_red, encode(half_red), encode(half_red, "WebP", lossless=True)):
        assert color(source) == (255, 204, 204)
    for source in (half_gray, encode(half_gray)):
        assert color(source) == (204, 204, 204)


@pytest.mark.parametrize(("mode", "value"), [("P", 7), ("L", 7), ("1", 0), ("RGB", (7, 8, 9))])
def test_a_transparent_color_becomes_white(mode, value):
    image = Image.new(mode, (16, 16), value)
    if mode == "P":
        image.putpalette([*range(256)] * 3)
    assert color(encode(image)) != (255, 255, 255)
    assert color(encode(image, transparency=value)) == (255, 255, 255)


def test_a_palette_with_an_alpha_for_each_color():
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert color(encode(image)) == (255, 0, 0)
    assert color(encode(image, transparency=bytes([255, 51]))) == (255, 204, 204)


def test_cmyk():
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert color(red) == (255, 0, 0)
    assert color(encode(red, "TIFF")) == (255, 0, 0)
    jpeg = pixels(encode(red, "JPEG", quality=100))
    assert np.allclose(jpeg, np.broadcast_to([255, 0, 0], jpeg.shape), atol=4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_gray(kind):
    values = np.array([0, 200 * 257, 65535], np.uint16).repeat(8)
    data = encode(np.tile(values, (16, 1)), kind)
    assert Image.open(io.BytesIO(data)).mode.startswith("I")
    assert np.unique(pixels(data)).tolist() == [0, 200, 255]


def test_1_bit_and_other_color_spaces():
    checks = (np.indices((16, 16)).sum(axis=0) % 2).astype(bool)
    expected = np.dstack([checks * np.uint8(255)] * 3)
    assert np.array_equal(pixels(encode(Image.fromarray(checks))), expected)
    assert np.allclose(pixels(Image.fromarray(UPRIGHT).convert("YCbCr")), UPRIGHT, atol=2)
    assert np.allclose(pixels(Image.fromarray(UPRIGHT).convert("HSV")), UPRIGHT, atol=4)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "La", "PA", "RGBA", "RGBa", "RGBX"])
def test_black_is_black_in_every_mode(mode):
    image = Image.new("RGBA", (16, 16), "black")
    if mode in ("La", "PA"):
        image = image.convert("LA")
    assert color(image.convert(mode)) == (0, 0, 0)


def gray_tiff(values: np.ndarray, **tags: int) -> bytes:
    """A TIFF of one channel with values of any type; `tags` are sample_format and photometric."""
    height, width = values.shape
    layout = {tag[0]: tag for tag in tiff_layout(width, height, values.itemsize * 8)}
    layout[262] = (262, 3, 1, tags.get("photometric", 1))
    layout[339] = (
        339,
        3,
        1,
        tags.get("sample_format", {"u": 1, "i": 2, "f": 3}[values.dtype.kind]),
    )
    return tiff(list(layout.values()), values.tobytes())


def deep_png(values: np.ndarray) -> bytes:
    """A PNG with 16 bits a channel of an array of shape (H, W) or (H, W, 3 or 4)."""
    height, width = values.shape[:2]
    rows = values.astype(">u2").reshape(height, -1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    kind = 0 if values.ndim == 2 else {3: 2, 4: 6}[values.shape[2]]
    return png(width, height, depth=16, color=kind, pixels=zlib.compress(data))


RAMP = np.tile(np.linspace(0, 1, 32), (16, 1))
SHOWN = (RAMP * 255).round()


def levels(source) -> np.ndarray:
    """The brightness of a gray photo."""
    shown = pixels(source)
    assert (shown == shown[:, :, :1]).all()
    return shown[:, :, 0].astype(int)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_data_of_fewer_bits_in_files_of_16(bits):
    values = (RAMP * (2**bits - 1)).round().astype(np.uint16)
    for source in (
        gray_tiff(values),
        encode(values, "TIFF", compression="tiff_lzw"),
        encode(values),
        Image.fromarray(values),
    ):
        assert np.abs(levels(source) - SHOWN).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [3, 4])
def test_color_data_of_fewer_bits_in_files_of_16(bits, channels):
    values = np.dstack([(RAMP * (2**bits - 1)).round().astype(np.uint16)] * channels)
    if channels == 4:
        values[:, :, 3] = 65_535
    assert np.abs(levels(deep_png(values)) - SHOWN).max() <= 1
    for order in ("<u2", ">u2"):
        data = color_tiff(values[:, :, :3].astype(order))
        assert np.abs(levels(data) - SHOWN).max() <= 1


def color_tiff(values: np.ndarray) -> bytes:
    """A TIFF with three channels of 16 bits, in the order of bytes of the array."""
    height, width, _ = values.shape
    mark = ">" if values.dtype.byteorder == ">" else "<"
    data = struct.pack(f"{mark}3H", 16, 16, 16) + values.tobytes()
    tags = [(256, width), (257, height), (258, None), (259, 1), (262, 2), (273, 14), (277, 3)]
    tags += [(278, height), (279, len(data) - 6)]
    entries = b""
    for tag, value in tags:
        entries += struct.pack(
            f"{mark}HHI", tag, 3 if value is None else 4, 3 if value is None else 1
        )
        entries += struct.pack(f"{mark}I", 8 if value is None else value)
    head = (b"MM\0*" if mark == ">" else b"II*\0") + struct.pack(f"{mark}I", 8 + len(data))
    return head + data + struct.pack(f"{mark}H", len(tags)) + entries + bytes(4)


def test_transparency_of_fewer_bits():
    """Where the alpha has as few bits as the colors, it is scaled like them."""
    values = np.full((16, 16, 4), 1023, np.uint16)
    values[:, :, 1:3] = 0
    assert color(deep_png(values)) == (255, 0, 0)
    values[:, :, 3] = 205
    assert color(deep_png(values)) == (255, 204, 204)


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint32])
@pytest.mark.parametrize("white", [255, 4095, 32_767])
def test_other_integers(kind, white):
    if kind != np.int16 and white == 32_767:
        white = np.iinfo(kind).max
    values = (RAMP * white).round().astype(kind)
    assert np.abs(levels(gray_tiff(values)) - SHOWN).max() <= 1
    if kind == np.int32:
        assert np.abs(levels(Image.fromarray(values)) - SHOWN).max() <= 1


def test_integers_around_0():
    values = (RAMP * 65_535 - 32_768).round().astype(np.int16)
    assert np.abs(levels(gray_tiff(values)) - SHOWN).max() <= 1


@pytest.mark.parametrize("white", [1, 255, 4095, 65_535, 1_000_000])
@pytest.mark.parametrize("overshoot", [0, 0.02, 0.2])
def test_floating_point(white, overshoot):
    """Filters overshoot a little at edges, below 0 too."""
    values = (RAMP * white).astype(np.float32)
    values[0, 0], values[0, 1] = white * (1 + overshoot), -white * overshoot
    expected = SHOWN.copy()
    expected[0, 0], expected[0, 1] = 255, 0
    # What is white cannot be known to a percent, except at the usual values.
    tolerance = 1 if white != 1_000_000 else 1 + 256 * overshoot
    for source in (encode(values, "TIFF"), Image.fromarray(values), gray_tiff(values)):
        assert np.abs(levels(source) - expected)[:, 2:].max() <= tolerance
        assert levels(source)[0, 1] == 0


def test_floating_point_that_is_not_a_number():
    values = (RAMP * 255).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    assert levels(gray_tiff(values))[0, :3].tolist() == [0, 255, 0]
    assert np.abs(levels(gray_tiff(values)) - SHOWN)[1:].max() <= 1
    assert color(gray_tiff(np.full((16, 16), np.nan, np.float32))) == (0, 0, 0)


def test_minimum_is_white():
    for values in ((RAMP * 65_535).astype(np.uint16), RAMP.astype(np.float32)):
        assert np.abs(levels(gray_tiff(values, photometric=0)) - (255 - SHOWN)).max() <= 1
    packed = Image.open(io.BytesIO(gray_tiff((RAMP * 4095).astype(np.uint16), photometric=0)))
    assert np.abs(levels(packed) - (255 - SHOWN)).max() <= 1


def test_a_black_photo_stays_black():
    for kind in (np.uint16, np.int32, np.float32):
        assert color(gray_tiff(np.zeros((16, 16), kind))) == (0, 0, 0)
    assert color(deep_png(np.zeros((16, 16, 3), np.uint16))) == (0, 0, 0)


def test_a_large_photo_is_converted_like_a_small_one():
    """It is taken strip by strip."""
    tall = Image.new("RGBA", (1_000, 5_003), (255, 0, 0, 51))
    assert color(tall) == (255, 204, 204)
    values = np.tile(np.linspace(0, 4095, 1_000).astype(np.uint16), (5_003, 1))
    shown = levels(encode(values))
    assert (shown == shown[:1]).all() and shown[0, -1] == 255
