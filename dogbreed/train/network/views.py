"""The views of a photo that features are computed from.

    plain       as it is served
    mirror      the same, mirrored; benchmarks.head_study answers it too
    random-1    a crop, mirrored half of the time, other colors, degraded; random-2, ... are others
    degraded-1  as it is served, but of a degraded copy; degraded-2, ... are others

Degraded means smaller, blurred or compressed. Photos of different datasets differ in just that, and
a network can learn to tell the datasets apart by it instead of by what the photos show.
"""

import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from dogbreed.images import ImageSource, load_image, prepare, to_square

PLAIN, MIRROR = "plain", "mirror"
# Of random crops: side over the shorter side of the photo, and width over height.
CROP_SIDE = (0.6, 1.0)
CROP_ASPECT = 4 / 3
# Factors of brightness, contrast and saturation.
COLOR = (0.75, 1.25)
# Of degraded copies: shorter side over the side of the network's square; a photo is never enlarged.
RESCALED_SIDE = (0.35, 1.6)
# Radius of the blur over the shorter side, and how many of the copies are blurred.
BLUR = (0.001, 0.005)
BLURRED = 0.25
QUALITY = (25, 95)
COMPRESSED = 0.8

_FILTERS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


def view_names(random_views: int) -> list[str]:
    """List the views that a head is fitted on: the photo as it is, and this many random ones."""
    return [PLAIN, *(f"random-{number}" for number in range(1, random_views + 1))]


def draw_view(
    source: ImageSource, view: str, size: int, resize: str, seed: tuple[int, int]
) -> np.ndarray:
    """Make the network's square of a photo in one view.

    Args:
        source: Anything that `images.load_image` takes.
        view: Name of the view, as the module lists them.
        size, resize: See `images.prepare`.
        seed: Two numbers that, with the name of the view, decide what is random.

    Returns:
        uint8 array of shape (size, size, 3).

    Raises:
        InvalidImageError: See `images.load_image`.
    """
    if view in (PLAIN, MIRROR):
        square = prepare(source, size, resize)
        return square if view == PLAIN else square[:, ::-1]
    rng = np.random.default_rng([*seed, zlib.crc32(view.encode())])
    image = load_image(source, at_least=3 * size)
    if view.startswith("degraded-"):
        return to_square(degrade(image, rng, size), size, resize)
    if view.startswith("random-"):
        image = degrade(change_colors(crop(image, rng), rng), rng, size)
        square = to_square(image, size, "squash")
        return square[:, ::-1] if rng.random() < 0.5 else square
    raise ValueError(f"There is no view {view!r}.")


def crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cut out 60 to 100 % of the shorter side, 3:4 to 4:3, anywhere.

    Like the crops that ImageNet's networks were trained on (Szegedy et al. 2015, arXiv:1409.4842),
    but less extreme, since a small part of a dog does not show its breed.
    """
    side = rng.uniform(*CROP_SIDE) * min(image.size)
    stretch = np.exp(rng.uniform(-0.5, 0.5) * np.log(CROP_ASPECT))
    width, height = (
        max(1, min(round(wanted), there))
        for wanted, there in zip((side * stretch, side / stretch), image.size, strict=True)
    )
    left = rng.integers(0, image.width - width, endpoint=True)
    top = rng.integers(0, image.height - height, endpoint=True)
    return image.crop((left, top, left + width, top + height))


def change_colors(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Change brightness, contrast and saturation by up to a quarter each."""
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(*COLOR))
    return image


def degrade(image: Image.Image, rng: np.random.Generator, size: int) -> Image.Image:
    """Return a copy that is smaller, blurred or compressed.

    Args:
        image: In RGB.
        rng: Source of the random numbers.
        size: Side of the network's square in pixels, which the scale is relative to.
    """
    short = min(image.size)
    wanted = size * np.exp(rng.uniform(*np.log(RESCALED_SIDE)))
    resampling = _FILTERS[rng.integers(len(_FILTERS))]
    if wanted < short:
        scaled = [max(1, round(side * wanted / short)) for side in image.size]
        image = image.resize((scaled[0], scaled[1]), resampling)
    radius = rng.uniform(*BLUR) * min(image.size)
    if rng.random() < BLURRED:
        image = image.filter(ImageFilter.GaussianBlur(radius))
    quality, kind = int(rng.integers(*QUALITY)), ("JPEG", "WEBP")[rng.integers(2)]
    if rng.random() < COMPRESSED:
        file = BytesIO()
        # The fastest of WebP's methods: what is wanted is its traces, not small files.
        image.save(file, kind, quality=quality, **({"method": 0} if kind == "WEBP" else {}))
        image = Image.open(file).convert("RGB")
    return image
