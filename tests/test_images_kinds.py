"""Files that are not photos that can be read are named, by their first bytes."""

import struct

import numpy as np
import pytest
from PIL import Image

from dogbreed.images.kinds import SUPPORTED, recognize
from tests.helpers.encoded import encode, refusal, smooth
from tests.helpers.layout_bombs import tiff, tiff_layout


def media(main: bytes, *compatible: bytes) -> bytes:
    """An ISO base media file that has hardly more than its brands."""
    brands = main + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(200)


def raw(*tags: tuple[int, int, int, int], make: bytes = b"NIKON CORPORATION\0") -> bytes:
    """A TIFF with the tags of a raw camera file."""
    layout = [*tiff_layout(64, 64), *tags, (271, 2, len(make), 8)]
    return tiff(layout, make.ljust(64 * 64, b"\0"))


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (media(b"crx ", b"isom"), "raw camera file (CR3)"),
        (media(b"isom", b"mp41"), "video"),
        (media(b"qt  "), "video"),
        (media(b"3gp5"), "video"),
        (b"\0\0\0\x08wide" + bytes(100), "video"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(100), "video"),
        (b"\x1aE\xdf\xa3" + bytes(100), "video"),
        (raw((50706, 1, 4, 1)), "raw camera file (DNG)"),
        (raw((254, 4, 1, 1), (330, 4, 1, 8)), "raw camera file (NEF)"),
        (raw((254, 4, 1, 1), (330, 4, 1, 8), make=b"SONY\0"), "raw camera file (ARW)"),
        (raw((254, 4, 1, 1), (330, 4, 1, 8), make=b"PENTAX\0"), "raw camera file (PEF)"),
        (raw((254, 4, 1, 1), (330, 4, 1, 8), make=b"ACME\0"), "raw camera file"),
        (tiff([*tiff_layout(64, 64)[:-1], (262, 3, 1, 32803)]), "raw camera file"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(200), "raw camera file (CR2)"),
        (b"IIRO" + bytes(200), "raw camera file (ORF)"),
        (b"IIU\0" + bytes(200), "raw camera file (RW2)"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(200), "raw camera file (RAF)"),
        (b"%PDF-1.7\n" + bytes(100), "PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by hand -->\n<SVG width="9">', "SVG"),
        (b"\n <!DOCTYPE html><html><head><title>Not found</title>", "web page"),
        (b"<html><body><svg></svg>", "SVG"),
        (b"\0\0\1\0\1\0" + bytes(100), "icon"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100), "JPEG 2000"),
        (b"\xff\x4f\xff\x51" + bytes(100), "JPEG 2000"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100), "JPEG XL"),
        (b"\xff\x0a" + bytes(100), "JPEG XL"),
        (b"P6 8 8 255\n" + bytes(192), "Netpbm"),
        (b"8BPS\0\1" + bytes(100), "Photoshop"),
        (b"PK\3\4" + bytes(100), "ZIP"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"Just some words about a dog.", SUPPORTED),
        (bytes(1_000), SUPPORTED),
    ],
)
def test_other_kinds_are_named(data, named, tmp_path):
    assert named in refusal(data)
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    assert named in refusal(path)


def test_what_to_do_is_said():
    assert "export it as JPEG" in refusal(raw((50706, 1, 4, 1)))
    assert "save it as JPEG or PNG" in refusal(b"%PDF-1.7\n")
    for kind in ("JPEG", "HEIC", "PNG", "WebP", "AVIF", "GIF", "BMP", "TIFF"):
        assert kind in SUPPORTED


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_a_format_that_is_read_is_never_advised_for_itself(kind):
    data = encode(smooth(64, 64), kind)
    assert recognize(data) == kind
    assert "use JPEG" not in refusal(data[:60])
    assert "damaged" in refusal(data[:60])


@pytest.mark.parametrize(
    "brands", [(b"heic", b"mif1", b"heic"), (b"heix",), (b"mif1", b"heic"), (b"msf1", b"hevc")]
)
def test_heif_has_many_names(brands):
    assert recognize(media(*brands)) == "HEIF"
    assert "damaged" in refusal(media(*brands))


def test_formats_that_nobody_photographs_in_are_refused():
    photo = smooth(64, 64)
    for kind in ("ICO", "JPEG2000", "PPM", "TGA", "PCX", "DDS", "IM"):
        refusal(encode(photo, kind))


def test_an_avif_may_call_itself_by_the_name_of_its_family():
    data = encode(Image.fromarray(np.full((64, 64, 3), 99, np.uint8)), "AVIF")
    assert data[8:12] == b"avif"
    assert recognize(data[:8] + b"mif1" + data[12:]) == "AVIF"
