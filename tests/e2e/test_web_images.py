"""Photos in the page without a server: opened, cut and resized as Python does it."""

import base64
import io
import random

import numpy as np
import pytest
from PIL import Image

from dogbreed.images import frame_box, to_square
from tests.helpers.tiny_bundle import noise

SIZES = [(40, 30), (64, 64), (8, 8), (299, 299), (700, 20), (9, 400), (801, 533), (33, 47)]


def pixels(image: Image.Image) -> dict:
    """An image as the argument of a module."""
    rgba = base64.b64encode(image.convert("RGBA").tobytes()).decode()
    return {"width": image.width, "height": image.height, "rgba": rgba}


def numbers(text: str, shape: tuple[int, ...]) -> np.ndarray:
    """What `packed` made in the browser: lists of numbers take Playwright seconds."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)


IN_ROWS = """
    const packed = (bytes) => {
        let text = "";
        for (const byte of bytes) text += String.fromCharCode(byte);
        return btoa(text);
    };
    const rows = ({ width, height, rgba }) => {
        const all = Uint8ClampedArray.from(atob(rgba), (each) => each.charCodeAt(0));
        const part = (top, bottom) => all.subarray(top * width * 4, bottom * width * 4);
        return { width, height, rows: part };
    };
"""


@pytest.mark.parametrize("method", ["squash", "letterbox", "crop"])
def test_the_square_is_the_same_to_the_last_bit(modules, method):
    for number, size in enumerate(SIZES):
        image = Image.fromarray(noise(*size, seed=number))
        for side in (32, 75):
            found = modules.evaluate(
                f"""async ([photo, side, method]) => {{
                    {IN_ROWS}
                    const {{ toSquare }} = await import("/square.js");
                    return packed(toSquare(rows(photo), side, method));
                }}""",
                [pixels(image), side, method],
            )
            wanted = to_square(image, side, method)
            np.testing.assert_array_equal(numbers(found, wanted.shape), wanted, str(size))


def test_enlarging_by_the_other_filter_is_the_same_too(modules):
    image = Image.fromarray(noise(8, 8))
    found = modules.evaluate(
        f"""async (photo) => {{
            {IN_ROWS}
            const {{ resize, BICUBIC }} = await import("/resize.js");
            return packed(resize(rows(photo), [0, 0, 8, 8], 53, 70, BICUBIC));
        }}""",
        pixels(image),
    )
    wanted = np.asarray(image.resize((53, 70), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(numbers(found, wanted.shape), wanted)


def test_the_shown_part_is_the_same(modules):
    rng = random.Random(0)
    sizes = [(rng.randint(8, 3000), rng.randint(8, 3000)) for _ in range(300)] + [(5000, 8)]
    for method in ("squash", "letterbox", "crop"):
        found = modules.evaluate(
            """async ([sizes, method]) => {
                const { frameBox } = await import("/square.js");
                return sizes.map(([width, height]) => frameBox(width, height, method));
            }""",
            [sizes, method],
        )
        assert [tuple(box) for box in found] == [frame_box(size, method) for size in sizes]


def encoded(image: Image.Image, kind: str, **options: object) -> list[int]:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return list(file.getvalue())


OPEN = """async ([bytes]) => {
    const { openPhoto } = await import("/images.js");
    try {
        const photo = await openPhoto(new Blob([Uint8Array.from(bytes)]));
        const { width, height } = photo;
        return { width, height, rgba: Array.from(photo.rows(0, height)) };
    } catch (error) {
        return { key: error.key, values: error.values };
    }
}"""


def test_transparency_is_white_and_photos_are_upright(modules):
    image = Image.new("RGBA", (20, 10), (200, 40, 10, 0))
    image.paste((10, 20, 250, 255), (0, 0, 10, 5))
    found = modules.evaluate(OPEN, [encoded(image, "PNG")])
    rgba = np.reshape(found["rgba"], (10, 20, 4))
    assert rgba[0, 0].tolist() == [10, 20, 250, 255]
    assert rgba[9, 19].tolist() == [255, 255, 255, 255]

    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(image.convert("RGB"), "PNG", exif=exif)
    assert (modules.evaluate(OPEN, [turned])["width"]) == 10


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"this is not an image", "not_image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "heic"),
        (b"\xff\xd8\xff\xe0" + bytes(30), "not_image"),
    ],
)
def test_what_cannot_be_read_is_refused(modules, content, key):
    assert modules.evaluate(OPEN, [list(content)])["key"] == key


def test_the_limits_are_those_of_python(modules):
    small = encoded(Image.new("RGB", (5, 20)), "PNG")
    values = {"width": 5, "height": 20, "least": 8}
    assert modules.evaluate(OPEN, [small]) == {"key": "too_small", "values": values}
    large = """async () => {
        const { openPhoto } = await import("/images.js");
        return openPhoto(new Blob([new Uint8Array(20_000_001)])).catch((error) => error.key);
    }"""
    assert modules.evaluate(large) == "too_large"
