"""Photos of every kind that a browser and Python both read, made from the drawings of the page."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

EXAMPLES = Path(__file__).parent / "drawings"
_ORIENTATION = 0x0112


def write_photos(folder: Path) -> list[Path]:
    """Write 50 photos.

    Returns:
        Their paths, each with a name of its own.
    """
    folder.mkdir()
    paths = []
    for number, (name, image, options) in enumerate(_photos()):
        stem, suffix = name.split(".")
        path = folder / f"{number:02}-{stem}.{suffix}"
        image.save(path, **options)
        paths.append(path)
    assert len(paths) == 50
    return paths


def _photos() -> Iterator[tuple[str, Image.Image, dict]]:
    drawings = [_drawing(path) for path in sorted(EXAMPLES.glob("*.png"))]
    for number, drawing in enumerate(drawings):
        scene = _scene(drawing, (640, 480), number)
        for quality in (95, 75, 40):
            yield "photo.jpg", scene, {"quality": quality}
        yield "full-color.jpg", scene, {"quality": 90, "subsampling": 0}
        yield "progressive.jpg", scene, {"quality": 85, "progressive": True}
        yield "gray.jpg", scene.convert("L"), {"quality": 90}
        yield "lossy.webp", scene, {"quality": 80}
        yield "lossless.webp", scene, {"lossless": True}
        yield "plain.png", scene, {}
        yield "transparent.png", _with_holes(scene), {}
        yield "wide.jpg", _scene(drawing, (2400, 160), number), {"quality": 90}
        yield "large.jpg", _scene(drawing, (2600, 1900), number), {"quality": 90}
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        scene = _scene(drawings[orientation % len(drawings)], (500, 375), orientation)
        yield f"orientation-{orientation}.jpg", scene, {"quality": 90, "exif": exif}
    scene = _scene(drawings[0], (400, 500), 9)
    yield "tiny.png", scene.resize((8, 8)), {}
    yield "colors.gif", scene.convert("P", palette=Image.Palette.ADAPTIVE), {}
    yield "bitmap.bmp", scene, {}
    yield "palette.png", scene.quantize(64), {}
    yield "two-channels.png", _with_holes(scene).convert("LA"), {}
    yield "tall.png", _scene(drawings[1], (60, 1800), 11), {}


def _drawing(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _scene(drawing: Image.Image, size: tuple[int, int], seed: int) -> Image.Image:
    """A drawing in front of a blurred background, with the noise of a camera."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 215, (6, 8, 3), dtype=np.uint8)
    scene = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    side = round(0.9 * min(size))
    scene.paste(drawing.resize((side, side)), ((size[0] - side) // 2, (size[1] - side) // 2))
    scene = scene.filter(ImageFilter.GaussianBlur(0.6))
    pixels = np.asarray(scene, np.float32) + rng.normal(0, 3, (size[1], size[0], 3))
    return Image.fromarray(np.clip(pixels, 0, 255).round().astype(np.uint8))


def _with_holes(scene: Image.Image) -> Image.Image:
    """The scene with soft and hard transparency."""
    mask = Image.new("L", scene.size, 255)
    draw = ImageDraw.Draw(mask)
    width, height = scene.size
    draw.rectangle((0, 0, width // 5, height // 5), fill=0)
    draw.ellipse((width // 2, height // 2, width, height), fill=120)
    scene = scene.convert("RGBA")
    scene.putalpha(mask)
    return scene
