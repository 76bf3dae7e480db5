"""How large a photo may be, so that no file takes more memory or time than a photo deserves."""

import ctypes
import sys

from dogbreed.errors import InvalidImageError
from dogbreed.sentences import Sentence

MAX_BYTES = 20_000_000
# What phones call 50 megapixels has up to 8,192 × 6,144 pixels.
MAX_PIXELS = 51_000_000
MIN_SIDE = 8
# Bytes that decoding one photo may take at its peak; the whole process then stays below 600 MB.
MAX_MEMORY = 420_000_000
# Bytes for each pixel at the peak. Most formats: Pillow's image, and its turned copy.
ORDINARY = 8
# WebP and AVIF: two canvases, or planes of up to 12 bits; the output; and Pillow's image.
MODERN = 16
# Above this many bytes it is worth a few milliseconds to give memory back.
_LARGE = 30_000_000
_C = ctypes.CDLL(None) if sys.platform == "linux" else None
_TRIM, _SET = getattr(_C, "malloc_trim", None), getattr(_C, "mallopt", None)
# glibc's numbers for these settings, and the bytes to set both to. Less is worth keeping, since
# fresh memory costs time.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BY_ARENA = 16_000_000

DAMAGED = Sentence("damaged")
TOO_LARGE = Sentence("too_large")


def check_size(
    size: tuple[int, int], bytes_per_pixel: float = ORDINARY, buffers: float = 0
) -> None:
    """Refuse a photo by its width and height, before any of it is decoded.

    Args:
        size: Width and height in pixels.
        bytes_per_pixel: What the decoder and the steps after it keep of the whole photo at once.
        buffers: What the decoder needs apart from that, in bytes.

    Raises:
        InvalidImageError: There are too many pixels, or a side is too short.
    """
    check_sides(size)
    megapixels = size[0] * size[1] / 1e6
    if megapixels * 1e6 > MAX_PIXELS:
        raise InvalidImageError(Sentence("most_megapixels", most=50))
    if megapixels * 1e6 * bytes_per_pixel + buffers > MAX_MEMORY:
        raise InvalidImageError(Sentence("megapixels", megapixels=round(megapixels)))


def check_sides(size: tuple[int, int]) -> None:
    """Refuse a photo with hardly any pixels across.

    Raises:
        InvalidImageError: A side is too short.
    """
    width, height = size
    if min(size) < MIN_SIDE:
        raise InvalidImageError(Sentence("too_small", width=width, height=height, least=MIN_SIDE))


def keep_little_freed_memory() -> None:
    """Let the allocator of this process give large blocks back as soon as they are freed.

    Once a block of up to 32 MB has been freed, glibc keeps up to 64 MB at the end of each arena,
    of which threads have several, and `malloc_trim` does not touch that.
    """
    if _SET:
        _SET(_MMAP_THRESHOLD, _KEPT_BY_ARENA)
        _SET(_TRIM_THRESHOLD, _KEPT_BY_ARENA)


def return_freed_memory(size: tuple[int, int], buffers: float = 0) -> None:
    """Give freed memory back to the system, before and after a large photo is decoded.

    glibc keeps it for the thread that freed it, so that a second large photo in another thread
    would come on top of the first one.

    Args:
        size: Width and height of what is decoded, in pixels.
        buffers: What the decoder needs apart from that, in bytes.
    """
    if _TRIM and size[0] * size[1] * 4 + buffers > _LARGE:
        _TRIM(0)
