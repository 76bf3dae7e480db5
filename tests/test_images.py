"""Photos: every kind of source, every pixel format, the limits, and the square frame."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogbreed.errors import InvalidImageError
from dogbreed.images import (
    MAX_BYTES,
    MAX_PIXELS,
    MIN_SIDE,
    PHOTO_SUFFIXES,
    RESIZE_METHODS,
    frame_box,
    load_image,
    prepare,
    to_square,
)
from tests.helpers.tiny_bundle import assert_one_sentence, noise

ORIENTATION = 0x0112
# Four colours, so that no turn or mirror of it looks the same.
CORNERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]], np.uint8)
UPRIGHT = CORNERS.repeat(16, axis=0).repeat(32, axis=1)
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


def encode(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    """A photo as a file of some format."""
    image = Image.fromarray(np.ascontiguousarray(image)) if isinstance(image, np.ndarray) else image
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that states a size and holds hardly any pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def pixels(source) -> np.ndarray:
    """The pixels of a photo that is accepted."""
    image = load_image(source)
    assert image.mode == "RGB"
    return np.asarray(image)


def colour(source) -> tuple[int, int, int]:
    """The colour of a photo that has a single one."""
    found = np.unique(pixels(source).reshape(-1, 3), axis=0)
    assert len(found) == 1
    return tuple(int(value) for value in found[0])


def refusal(source) -> str:
    """The message for a photo that is refused."""
    with pytest.raises(InvalidImageError) as caught:
        load_image(source)
    message = str(caught.value)
    assert_one_sentence(message)
    return message


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
    assert colour(np.full((16, 16), 0.999)) == (255, 255, 255)


def test_sources_are_left_as_they_were():
    array, image = noise(16, 16), Image.fromarray(noise(16, 16))
    load_image(array)
    result = load_image(image)
    result.paste("white", (0, 0, 16, 16))
    assert np.array_equal(array, noise(16, 16))
    assert np.array_equal(np.asarray(image), noise(16, 16))


@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_undone(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = STORED[orientation]
    for kind in ("PNG", "TIFF", "WebP"):
        options = {"lossless": True} if kind == "WebP" else {}
        data = encode(stored, kind, exif=exif, **options)
        assert np.array_equal(pixels(data), UPRIGHT), kind
        assert np.array_equal(pixels(Image.open(io.BytesIO(data))), UPRIGHT), kind
    jpeg = pixels(encode(stored, "JPEG", exif=exif, quality=100, subsampling=0))
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
    assert colour(data) == (255, 0, 0)
    assert colour(image) == (255, 0, 0)


def test_transparency_is_composed_on_white():
    half_red = Image.new("RGBA", (16, 16), (255, 0, 0, 51))
    half_grey = Image.new("LA", (16, 16), (0, 51))
    for source in (half_red, encode(half_red), encode(half_red, "WebP", lossless=True)):
        assert colour(source) == (255, 204, 204)
    for source in (half_grey, encode(half_grey)):
        assert colour(source) == (204, 204, 204)


@pytest.mark.parametrize(("mode", "value"), [("P", 7), ("L", 7), ("1", 0), ("RGB", (7, 8, 9))])
def test_a_transparent_colour_becomes_white(mode, value):
    image = Image.new(mode, (16, 16), value)
    if mode == "P":
        image.putpalette([*range(256)] * 3)
    assert colour(encode(image)) != (255, 255, 255)
    assert colour(encode(image, transparency=value)) == (255, 255, 255)


def test_a_palette_with_an_alpha_for_each_colour():
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert colour(encode(image)) == (255, 0, 0)
    assert colour(encode(image, transparency=bytes([255, 51]))) == (255, 204, 204)


def test_cmyk():
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert colour(red) == (255, 0, 0)
    assert colour(encode(red, "TIFF")) == (255, 0, 0)
    jpeg = pixels(encode(red, "JPEG", quality=100))
    assert np.allclose(jpeg, np.broadcast_to([255, 0, 0], jpeg.shape), atol=4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey(kind):
    values = np.array([0, 200 * 257, 65535], np.uint16).repeat(8)
    data = encode(np.tile(values, (16, 1)), kind)
    assert Image.open(io.BytesIO(data)).mode.startswith("I")
    assert np.unique(pixels(data)).tolist() == [0, 200, 255]


def test_1_bit_and_other_colour_spaces():
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
    assert colour(image.convert(mode)) == (0, 0, 0)


@pytest.mark.parametrize("scale", [1, 255])
def test_floating_point_tiff(scale):
    values = np.array([0, 0.2, 1], np.float32).repeat(8) * scale
    data = encode(np.tile(values, (16, 1)), "TIFF")
    assert Image.open(io.BytesIO(data)).mode == "F"
    assert np.unique(pixels(data)).tolist() == [0, 51, 255]


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
    assert MAX_PIXELS == 50_000_000
    assert load_image(encode(Image.new("1", (10_000, 5_000)))).size == (10_000, 5_000)
    # One row of pixels that is repeated, so that the array takes no memory.
    tall = np.broadcast_to(np.zeros(5_000, np.uint8), (10_001, 5_000))
    for source in (tall, Image.new("1", (10_001, 5_000)), png_header(10_001, 5_000)):
        assert "50 megapixels" in refusal(source)


@pytest.mark.parametrize("side", [10_000, 60_000, 2_000_000_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "50 megapixels" in refusal(png_header(side, side))


def test_a_large_jpeg_is_not_decoded_in_full_but_gives_the_same_frame(tmp_path):
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    photo = small.resize((4000, 3000), Image.Resampling.BICUBIC)
    for orientation in (1, 6):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        data = encode(photo, "JPEG", quality=90, exif=exif)
        for resize in RESIZE_METHODS:
            frame = prepare(data, 299, resize).astype(int)
            exact = to_square(load_image(data), 299, resize)
            assert 0 < np.abs(frame - exact).mean() < 0.5
            assert np.abs(frame - exact).max() <= 8


def test_an_open_file_is_not_made_smaller(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (3000, 2000)).save(path)
    with Image.open(path) as image:
        prepare(image)
        assert image.size == (3000, 2000)


@pytest.mark.parametrize(("at_least", "size"), [(None, (4000, 3000)), (900, (2000, 1500))])
def test_a_jpeg_is_loaded_as_small_as_the_caller_allows(at_least, size):
    for orientation in (1, 6):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        data = encode(Image.new("RGB", (4000, 3000)), "JPEG", exif=exif)
        loaded = load_image(data, at_least)
        assert loaded.size == (size if orientation == 1 else size[::-1])


def test_a_smaller_jpeg_than_was_asked_for_keeps_its_size():
    assert load_image(encode(Image.new("RGB", (300, 200)), "JPEG"), 900).size == (300, 200)


def test_the_limits_are_those_of_the_whole_photo():
    with pytest.raises(InvalidImageError, match="50 megapixels"):
        prepare(encode(Image.new("L", (10_000, 5_001)), "JPEG"))


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF"])
def test_a_photo_that_was_cut_off(kind):
    data = encode(noise(64, 64), kind)
    for cut in (len(data) // 2, 40):
        refusal(data[:cut])


def test_what_is_no_image(tmp_path):
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
    for suffix in (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tiff", ".avif"):
        assert suffix in PHOTO_SUFFIXES
    formats = {Image.EXTENSION[suffix] for suffix in PHOTO_SUFFIXES}
    assert formats == {"JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"}


def test_an_unknown_way_to_resize_is_refused():
    with pytest.raises(ValueError, match="squash, letterbox, crop"):
        to_square(Image.new("RGB", (16, 16)), 8, "stretch")
