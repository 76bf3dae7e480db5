"""Photos: every kind of source, every pixel format, the limits, and the square."""

import io
import warnings
from pathlib import Path

import numpy as np
import pi_heif
import pytest
from PIL import Image

from dogbreed.images import (
    PHOTO_SUFFIXES,
    RESIZE_METHODS,
    frame_box,
    load_image,
    prepare,
    to_square,
)
from dogbreed.images.limits import MAX_BYTES, MAX_PIXELS, MIN_SIDE
from tests.helpers.encoded import UPRIGHT, color, encode, pixels, refusal
from tests.helpers.image_bombs import png
from tests.helpers.tiny_bundle import noise


def test_every_kind_of_source_gives_the_same_photo(tmp_path):
    photo = noise(24, 16)
    data = encode(photo)
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        sources = [path, str(path), data, bytearray(data), io.BytesIO(data), file]
        sources += [Image.fromarray(photo), Image.open(path), photo, photo[:, ::-1][:, ::-1]]
        for source in sources:
            assert np.array_equal(pixels(source), photo)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WebP"])
def test_lossless_formats_keep_every_pixel(kind):
    options = {"lossless": True} if kind == "WebP" else {}
    assert np.array_equal(pixels(encode(UPRIGHT, kind, **options)), UPRIGHT)


def test_a_file_object_is_read_from_where_it_stands():
    file = io.BytesIO(b"header" + encode(UPRIGHT))
    file.seek(len(b"header"))
    assert np.array_equal(pixels(file), UPRIGHT)


def test_arrays_of_every_shape_and_scale():
    photo = noise(24, 16)
    grey = photo[:, :, 0]
    as_grey = np.dstack([grey] * 3)
    opaque = np.dstack([photo, np.full_like(grey, 255)])
    hidden = np.dstack([photo, np.zeros_like(grey)])
    white = np.full_like(photo, 255)
    for array, expected in (
        (photo, photo),
        (grey, as_grey),
        (grey[:, :, None], as_grey),
        (opaque, photo),
        (hidden, white),
    ):
        assert np.array_equal(pixels(array), expected)
        for kind in (np.float32, np.float64):
            assert np.array_equal(pixels((array / 255).astype(kind)), expected)
    assert np.array_equal(pixels((photo / 255).astype(np.float16)), photo)
    assert color(np.full((16, 16), 0.999)) == (255, 255, 255)


def test_sources_are_left_as_they_were():
    array, image = noise(16, 16), Image.fromarray(noise(16, 16))
    load_image(array)
    result = load_image(image)
    result.paste("white", (0, 0, 16, 16))
    prepare(image)
    assert np.array_equal(array, noise(16, 16))
    assert np.array_equal(np.asarray(image), noise(16, 16))


def test_the_name_of_a_file_does_not_matter(tmp_path):
    for kind, name in (("PNG", "photo.jpg"), ("BMP", "photo.png"), ("WebP", "photo.heic")):
        options = {"lossless": True} if kind == "WebP" else {}
        (tmp_path / name).write_bytes(encode(UPRIGHT, kind, **options))
        assert np.array_equal(pixels(tmp_path / name), UPRIGHT)


def test_at_most_20_megabytes(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(UPRIGHT).ljust(20_000_000, b"\0"))
    assert path.stat().st_size == MAX_BYTES
    for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        assert np.array_equal(pixels(source), UPRIGHT)
    with path.open("ab") as file:
        file.write(b"\0")
    data = path.read_bytes()
    for source in (path, data, bytearray(data), io.BytesIO(data)):
        assert "20 MB" in refusal(source)


def test_at_most_50_megapixels():
    assert 8_192 * 6_144 <= MAX_PIXELS == 51_000_000
    assert load_image(encode(Image.new("1", (10_000, 5_100)))).size == (10_000, 5_100)
    # One row of pixels that is repeated, so that the array takes no memory.
    tall = np.broadcast_to(np.zeros(5_100, np.uint8), (10_001, 5_100))
    for source in (tall, tall / np.float16(255), Image.new("1", (10_001, 5_100))):
        assert "50 megapixels" in refusal(source)
    assert "50 megapixels" in refusal(png(10_001, 5_100))


@pytest.mark.parametrize("side", [10_000, 60_000, 2_000_000_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "50 megapixels" in refusal(png(side, side))


def test_at_least_8_by_8_pixels():
    assert MIN_SIDE == 8
    for width, height in ((8, 8), (8, 40), (40, 8)):
        array = noise(width, height)
        for source in (array, Image.fromarray(array), encode(array)):
            assert load_image(source).size == (width, height)
    for width, height in ((7, 8), (8, 7), (1, 100)):
        array = noise(width, height)
        for source in (array, array / 255, Image.fromarray(array), encode(array)):
            assert f"{width}×{height}" in refusal(source)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "AVIF", "TIFF", "BMP", "GIF"])
def test_a_photo_that_was_cut_off(kind):
    data = encode(noise(64, 64), kind)
    # Half of a JPEG is half of the photo; less is too little.
    for cut in (len(data) // 2 - (len(data) // 10 if kind == "JPEG" else 0), 40):
        refusal(data[:cut])


def test_what_is_not_an_image(tmp_path):
    text, empty, photo = tmp_path / "notes.txt", tmp_path / "empty.jpg", tmp_path / "photo.png"
    text.write_text("Not a photo. Really.\n" * 50)
    empty.touch()
    photo.write_bytes(encode(UPRIGHT))
    assert "not an image" in refusal(text)
    assert "empty" in refusal(empty)
    assert "empty" in refusal(b"")
    assert "folder" in refusal(tmp_path)
    assert "no file" in refusal(tmp_path / "missing.jpg")
    for url in ("https://example.com/dog.jpg", "http://example.com/dog.jpg"):
        assert "web address" in refusal(url)
    for path in (text, photo):
        with path.open() as file:
            assert "rb" in refusal(file)
    file = photo.open("rb")
    file.close()
    refusal(file)
    for value in (None, 3, [1, 2], memoryview(b"x")):
        assert type(value).__name__ in refusal(value)


@pytest.mark.parametrize("path", ["a\0b", "a" * 5_000, "data:image/png;base64," + "A" * 5_000])
def test_paths_that_no_system_can_have(path):
    refusal(path)
    refusal(Path(path))


@pytest.mark.parametrize(
    "shape", [(), (16,), (16, 16, 2), (16, 16, 5), (1, 16, 16, 3), (16, 16, 0), (0, 0, 3), (0, 9)]
)
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_arrays_of_another_shape(shape, kind):
    refusal(np.zeros(shape, kind))


@pytest.mark.parametrize("kind", [bool, np.int8, np.int64, np.uint16, complex, object, "U1"])
def test_arrays_of_another_type(kind):
    assert "uint8" in refusal(np.zeros((16, 16, 3), kind))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.01, 1.01, 255])
def test_floating_point_outside_0_to_1(value):
    array = np.full((16, 16, 3), 0.5)
    array[3, 4, 1] = value
    assert "0..1" in refusal(array)


def test_squash_shows_the_whole_frame():
    photo = noise(28, 28)
    assert np.array_equal(prepare(photo, 28, "squash"), photo)
    # Left half red, right half blue: so it stays, whatever the proportions.
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, :30, 0] = wide[:, 30:, 2] = 255
    square = prepare(wide, 20, "squash")
    assert (square[:, :9] == [255, 0, 0]).all()
    assert (square[:, 11:] == [0, 0, 255]).all()
    assert frame_box((60, 20), "squash") == (0, 0, 60, 20)


def test_letterbox_keeps_the_proportions():
    wide, tall = noise(28, 14), noise(14, 28)
    square = prepare(wide, 28, "letterbox")
    assert np.array_equal(square[7:21], wide)
    assert (square[:7] == 128).all() and (square[21:] == 128).all()
    square = prepare(tall, 28, "letterbox")
    assert np.array_equal(square[:, 7:21], tall)
    assert (square[:, :7] == 128).all() and (square[:, 21:] == 128).all()
    assert frame_box((28, 14), "letterbox") == (0, -7, 28, 21)
    assert frame_box((14, 28), "letterbox") == (-7, 0, 21, 28)


def test_crop_takes_the_middle():
    wide, tall = noise(48, 32), noise(32, 48)
    assert frame_box((48, 32), "crop") == (10, 2, 38, 30)
    assert frame_box((32, 48), "crop") == (2, 10, 30, 38)
    assert np.array_equal(prepare(wide, 28, "crop"), wide[2:30, 10:38])
    assert np.array_equal(prepare(tall, 28, "crop"), tall[10:38, 2:30])
    # Scaled, too: only the outermost pixels mix with what lies next to the box.
    outlined = np.full((32, 48, 3), 255, np.uint8)
    outlined[2:30, 10:38] = (200, 30, 60)
    for size in (14, 56):
        assert (prepare(outlined, size, "crop")[1:-1, 1:-1] == (200, 30, 60)).all()


@pytest.mark.parametrize("resize", RESIZE_METHODS)
@pytest.mark.parametrize("size", [(8, 8), (9, 8), (8, 6_000), (6_000, 8), (641, 480)])
def test_every_accepted_photo_becomes_a_square_frame(resize, size):
    frame = prepare(np.full((size[1], size[0]), 128, np.uint8), resize=resize)
    assert frame.shape == (299, 299, 3) and frame.dtype == np.uint8
    assert (frame == 128).all()


@pytest.mark.parametrize("resize", RESIZE_METHODS)
@pytest.mark.parametrize("size", [(10, 12_000), (12_000, 10)])
def test_a_very_long_photo_has_a_frame_at_every_scale(resize, size):
    for scale in (1, 0.1, 0.01):
        shown = tuple(max(1, round(side * scale)) for side in size)
        left, top, right, bottom = frame_box(shown, resize)
        assert left < right and top < bottom
        if resize != "letterbox":
            assert left >= 0 and top >= 0 and right <= shown[0] and bottom <= shown[1]
    data = encode(noise(*size), "JPEG")
    assert prepare(data, resize=resize).shape == (299, 299, 3)
    assert load_image(data, 900).size == size


def test_the_suffixes_are_those_of_the_formats_that_are_read():
    """Pillow's own list names the formats of a suffix."""
    Image.init()
    pi_heif.register_heif_opener()
    for suffix in (
        ".jpg",
        ".jpeg",
        ".jfif",
        ".png",
        ".webp",
        ".gif",
        ".bmp",
        ".tiff",
        ".avif",
        ".heic",
    ):
        assert suffix in PHOTO_SUFFIXES
    formats = {Image.EXTENSION[suffix] for suffix in PHOTO_SUFFIXES}
    assert formats == {"JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"}


def test_an_unknown_way_to_resize_is_refused():
    with pytest.raises(ValueError, match="squash, letterbox, crop"):
        to_square(Image.new("RGB", (16, 16)), 8, "stretch")
