"""What kind of file this is, by its first bytes; the name of a file decides nothing."""

import re

from dogbreed.errors import InvalidImageError
from dogbreed.images.ifd import CHILDREN, DNG_VERSION, MAKE, PHOTOMETRIC, SUBFILE_TYPE, Directory
from dogbreed.sentences import Sentence

# Names of files in the formats that are read; the content decides, not the name.
_JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")
PHOTO_SUFFIXES = frozenset(
    (
        *(*_JPEG_SUFFIXES, ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"),
        *(".heic", ".heif", ".hif"),
    )
)
SUPPORTED = "JPEG, HEIC, PNG, WebP, AVIF, GIF, BMP or TIFF"

_VIDEO = Sentence("video")


def _raw(kind: str) -> Sentence:
    return Sentence("raw", kind=kind)


def _other(what: str, kind: str) -> Sentence:
    return Sentence("other", what=what, kind=kind)


# Where a signature starts, the signature, and the format.
_FORMATS = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WEBP"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
)
# Where a signature starts, the signature, and the sentence for files that begin like this.
_REFUSED = (
    (0, b"IIRO", _raw("ORF")),
    (0, b"IIRS", _raw("ORF")),
    (0, b"MMOR", _raw("ORF")),
    (0, b"IIU\0", _raw("RW2")),
    (0, b"FUJIFILMCCD-RAW", _raw("RAF")),
    (0, b"FOVb", _raw("X3F")),
    (0, b"%PDF", _other("a PDF document", "PDF")),
    (0, b"%!PS", _other("a PostScript file", "PostScript")),
    (0, b"8BPS", _other("a Photoshop document", "PSD")),
    (0, b"gimp xcf", _other("a GIMP document", "XCF")),
    (0, b"\0\0\1\0", _other("an icon", "ICO")),
    (0, b"\0\0\0\x0cJXL ", _other("a JPEG XL image", "JPEG XL")),
    (0, b"\xff\x0a", _other("a JPEG XL image", "JPEG XL")),
    (0, b"\0\0\0\x0cjP  ", _other("a JPEG 2000 image", "JPEG 2000")),
    (0, b"\xff\x4f\xff\x51", _other("a JPEG 2000 image", "JPEG 2000")),
    (0, b"II\xbc\1", _other("a JPEG XR image", "JPEG XR")),
    (0, b"qoif", _other("a QOI image", "QOI")),
    (0, b"PK\3\4", _other("a ZIP archive", "ZIP")),
    (8, b"AVI ", _VIDEO),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),
    (0, b"\0\0\1\xba", _VIDEO),
    (0, b"\0\0\1\xb3", _VIDEO),
    (0, b"FLV\1", _VIDEO),
    (4, b"moov", _VIDEO),
    (4, b"mdat", _VIDEO),
    (4, b"wide", _VIDEO),
    (0, b"version https://git-lfs", Sentence("pointer")),
)
_NETPBM = re.compile(rb"P[1-7f]\s")
# The first element of an SVG or HTML file may follow a declaration and a comment.
_TEXT = 2_000

# Brands of ISO base media files, the family of HEIC, AVIF and MP4.
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"}
_CANON_RAW = {b"crx "}
# Pixels behind a color filter, and the same after interpolation.
_RAW_PIXELS = (32803, 34892)
_RAW_MAKERS = {b"NIKON": "NEF", b"SONY": "ARW", b"PENTAX": "PEF", b"SAMSUNG": "SRW"}


def recognize(data: bytes) -> str:
    """Name the format of an image that can be read.

    Args:
        data: A whole file.

    Returns:
        "JPEG", "HEIF", "PNG", "WEBP", "AVIF", "GIF", "BMP" or "TIFF".

    Raises:
        InvalidImageError: The file is of another kind; the message names it where it is known.
    """
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    for start, signature, name in _FORMATS:
        if data.startswith(signature, start):
            if name == "TIFF":
                _refuse_raw(data)
            return name
    for start, signature, sentence in _REFUSED:
        if data.startswith(signature, start):
            raise InvalidImageError(sentence)
    text = data[:_TEXT].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<") and b"<svg" in text:
        raise InvalidImageError(_other("an SVG drawing", "SVG"))
    if text.startswith(b"<") and (b"<html" in text or b"<!doctype html" in text):
        raise InvalidImageError(Sentence("web_page"))
    if _NETPBM.match(data):
        raise InvalidImageError(_other("a Netpbm image", "Netpbm"))
    formats = SUPPORTED.replace(" or ", ", ")
    raise InvalidImageError(Sentence("unknown", supported=SUPPORTED, formats=formats))


def _refuse_raw(data: bytes) -> None:
    """Many raw camera files are TIFF files too, with a small picture in the first directory."""
    try:
        first = Directory(data)
    except ValueError:
        return
    thumbnail = first.number(SUBFILE_TYPE, 0) & 1 and CHILDREN in first
    if data[8:10] == b"CR":
        raise InvalidImageError(_raw("CR2"))
    if DNG_VERSION in first:
        raise InvalidImageError(_raw("DNG"))
    if thumbnail or first.number(PHOTOMETRIC, 0) in _RAW_PIXELS:
        make = first.raw(MAKE).upper()
        names = (name for maker, name in _RAW_MAKERS.items() if make.startswith(maker))
        raise InvalidImageError(_raw(next(names, "TIFF")))


def _iso_media(data: bytes) -> str:
    size = int.from_bytes(data[:4], "big")
    main, compatible = data[8:12], data[16 : max(16, min(size, 1_000))]
    brands = {main, *(compatible[start : start + 4] for start in range(0, len(compatible), 4))}
    if brands & _AVIF:
        return "AVIF"
    if brands & _HEIF:
        return "HEIF"
    if brands & _CANON_RAW:
        raise InvalidImageError(_raw("CR3"))
    raise InvalidImageError(_VIDEO)
