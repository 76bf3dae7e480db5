"""Ten thousand files that no camera wrote: real ones of every format changed, cut and combined.

Each is made from its number alone, so any of them can be made again: `hostile_image(4711)`.
"""

import io
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from tests.helpers.heic import encoded, grid
from tests.helpers.image_bombs import BOMBS, png_chunk
from tests.helpers.layout_bombs import exif_bomb, jpeg, segment

COUNT = 10_000
_SEED = 14
# Bombs take seconds to make, so there is one for so many other files.
_BETWEEN_BOMBS = 20

Change = Callable[[bytes, np.random.Generator], bytes]


@cache
def seeds() -> tuple[bytes, ...]:
    """Small valid files: each format, mode, depth and coding that can be written here."""
    rng = np.random.default_rng(_SEED)
    small = Image.fromarray(rng.integers(0, 256, (12, 16, 4), dtype=np.uint8))
    photo = small.resize((96, 72), Image.Resampling.BICUBIC)
    color, gray = photo.convert("RGB"), photo.convert("L")
    deep = Image.fromarray((np.asarray(gray).astype(np.uint16)) * 257)
    floating = Image.fromarray(np.asarray(gray).astype(np.float32))
    frames = {"save_all": True, "append_images": [color.rotate(angle) for angle in (9, 18)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    written = [
        *((color, "JPEG", {"quality": 80, "exif": exif, "progressive": p}) for p in (False, True)),
        (color, "JPEG", {"restart_marker_blocks": 3, "subsampling": 0}),
        (color.convert("CMYK"), "JPEG", {}),
        (gray, "JPEG", {"progressive": True}),
        (color, "MPO", frames),
        *((image, "PNG", {}) for image in (color, photo, gray, deep, color.convert("P"))),
        (color.convert("1"), "PNG", {"exif": exif}),
        (color, "PNG", frames),
        (color.convert("P"), "PNG", {"transparency": bytes(range(0, 250, 5))}),
        (color, "WEBP", {"exif": exif}),
        (photo, "WEBP", {"lossless": True}),
        (photo, "WEBP", {}),
        (color, "WEBP", frames),
        (color, "AVIF", {"speed": 10, "exif": exif}),
        (photo, "AVIF", {"speed": 10, "subsampling": "4:4:4"}),
        (color, "AVIF", {"speed": 10, **frames}),
        (color, "GIF", {}),
        (color, "GIF", frames),
        *((image, "BMP", {}) for image in (color, photo, color.convert("P"), gray.convert("1"))),
        *((image, "TIFF", {}) for image in (color, photo, deep, floating, color.convert("CMYK"))),
        *(
            (color, "TIFF", {"compression": how})
            for how in ("tiff_lzw", "jpeg", "packbits", "zstd")
        ),
        (gray.convert("1"), "TIFF", {"compression": "group4"}),
        (color, "TIFF", {"compression": "tiff_adobe_deflate", "big_tiff": True, "exif": exif}),
        (color, "TIFF", frames),
        (photo, "ICO", {}),
        (color, "JPEG2000", {}),
        (color, "PPM", {}),
        (color, "TGA", {}),
    ]
    phones = (encoded(96, 72), encoded(96, 72, chroma=444), grid((700, 500), 2, 1, turns=1))
    return (*(_encoded(*each) for each in written), *phones)


def _encoded(image: Image.Image, kind: str, options: dict) -> bytes:
    file = io.BytesIO()
    # Copies, since Pillow keeps the options of the last encoder in an image.
    if "append_images" in options:
        options = options | {"append_images": [each.copy() for each in options["append_images"]]}
    image.copy().save(file, kind, **options)
    return file.getvalue()


def hostile_image(number: int) -> tuple[str, bytes]:
    """How the file of this number was made, and its content."""
    rng = np.random.default_rng([_SEED, number])
    if number % _BETWEEN_BOMBS == 0:
        name = list(BOMBS)[number // _BETWEEN_BOMBS % len(BOMBS)]
        return name, BOMBS[name](rng)
    change = _CHANGES[number % len(_CHANGES)]
    data = seeds()[rng.integers(len(seeds()))]
    return change.__name__.strip("_"), change(data, rng)[:25_000_000]


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data))]


def _flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(len(data), size=rng.integers(1, 64)):
        changed[place] ^= 1 << rng.integers(8)
    return bytes(changed)


def _change_header(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(min(len(data), 300), size=rng.integers(1, 6)):
        changed[place] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
    return bytes(changed)


def _large_number(data: bytes, rng: np.random.Generator) -> bytes:
    """Somewhere two or four bytes are the largest numbers that fit."""
    place, size = int(rng.integers(min(len(data), 600))), int(rng.choice([2, 4]))
    number = rng.choice([b"\xff" * size, b"\x7f" + b"\xff" * (size - 1), b"\0" * size])
    return data[:place] + bytes(number) + data[place + size :]


def _splice(data: bytes, rng: np.random.Generator) -> bytes:
    """The beginning of one file, then the end of another."""
    other = seeds()[rng.integers(len(seeds()))]
    return data[: rng.integers(len(data))] + other[rng.integers(len(other)) :]


def _repeat_part(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(len(data), size=2))
    return data[:end] + data[start:end] * int(rng.integers(1, 50)) + data[end:]


def _lose_part(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(len(data), size=2))
    return data[:start] + data[end:]


def _overwrite_part(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(len(data), size=2))
    filled = rng.bytes(int(end - start)) if rng.integers(2) else bytes(int(end - start))
    return data[:start] + filled + data[end:]


def _two_in_one(data: bytes, rng: np.random.Generator) -> bytes:
    """One file after the other, perhaps with the first bytes of a third."""
    one, other = (seeds()[rng.integers(len(seeds()))] for _ in range(2))
    start = one[:12] if rng.integers(2) else b""
    return start + data[len(start) :] + other


def _in_disguise(data: bytes, rng: np.random.Generator) -> bytes:
    """A photo behind the first bytes of something else."""
    starts = [b"%PDF-1.7\n", b"<svg>", b"PK\3\4", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0"]
    return starts[rng.integers(len(starts))] + data


def _absurd_metadata(data: bytes, rng: np.random.Generator) -> bytes:
    """EXIF, profiles and text that mean nothing, up to 10 MB of them."""
    block = rng.bytes(int(10 ** rng.uniform(0, 4.8)))
    if data.startswith(b"\x89PNG"):
        name = [b"eXIf", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"acTL", b"tRNS"][rng.integers(7)]
        chunk = png_chunk(name, exif_bomb(rng)[6:] if name == b"eXIf" else block)
        return data[:33] + chunk * int(rng.integers(1, 150)) + data[33:]
    exif = segment(0xE1, exif_bomb(rng)[:65_000])
    profile = segment(0xE2, b"ICC_PROFILE\0" + block[:65_000])
    return jpeg(*[[exif, profile][rng.integers(2)]] * int(rng.integers(1, 150)))


def _very_long(data: bytes, rng: np.random.Generator) -> bytes:
    """A photo of very few pixels across and very many along."""
    size = [int(rng.choice([1, 7, 8, 9, 20])), int(rng.choice([9_000, 16_000, 65_000]))]
    image = Image.new("RGB", tuple(rng.permutation(size)), "orange")
    kind = ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"][rng.integers(6)]
    return _encoded(image, "PNG" if kind == "WEBP" and max(size) > 16_383 else kind, {})


_CHANGES: tuple[Change, ...] = (
    _cut,
    _flip_bits,
    _change_header,
    _large_number,
    _splice,
    _repeat_part,
    _lose_part,
    _overwrite_part,
    _two_in_one,
    _in_disguise,
    _absurd_metadata,
    _very_long,
    # The most fertile ones once more.
    _flip_bits,
    _change_header,
    _large_number,
    _overwrite_part,
    _splice,
)
