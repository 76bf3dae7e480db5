"""PNG, GIF, BMP, WebP: refused by the header if too large, and read whatever else they contain."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dogbreed.images import load_image
from tests.helpers.encoded import UPRIGHT, color, encode, oriented, pixels, refusal, smooth
from tests.helpers.examine import Examiner
from tests.helpers.image_bombs import png, png_chunk
from tests.helpers.packed import zeros
from tests.helpers.tiny_bundle import noise, write_bundle


def with_chunk(name: bytes, data: bytes, checksum: int | None = None, place: int = 33) -> bytes:
    """A PNG with a further chunk, after its header if not said otherwise."""
    chunk = png_chunk(name, data)
    if checksum is not None:
        chunk = chunk[:-4] + struct.pack(">I", checksum)
    photo = encode(UPRIGHT)
    return photo[:place] + chunk + photo[place:]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("add", [PngInfo.add_text, PngInfo.add_itxt])
def test_a_png_with_megabytes_of_text(add, zipped):
    info = PngInfo()
    add(info, "workflow", '{"a":1}' * 1_000_000, zip=zipped)
    assert np.array_equal(pixels(encode(UPRIGHT, pnginfo=info)), UPRIGHT)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (b"iCCP", b"profile\0\0" + zlib.compress(bytes(2_000_000))),
        (b"iCCP", b"profile\0\1nonsense"),
        (b"iCCP", b""),
        (b"zTXt", b"key\0\0" + zlib.compress(bytes(90_000_000))),
        (b"tEXt", b"no key"),
        (b"pHYs", b""),
        (b"acTL", b"\0"),
        (b"fcTL", bytes(26)),
        (b"eXIf", b""),
        (b"cHRM", bytes(3)),
    ],
)
def test_a_png_with_other_chunks_that_pillow_refuses_or_unpacks(name, data):
    assert np.array_equal(pixels(with_chunk(name, data)), UPRIGHT)


@pytest.mark.parametrize("name", [b"tEXt", b"iCCP", b"eXIf", b"tRNS", b"tIME", b"prVt"])
def test_a_wrong_checksum_where_it_does_not_matter(name):
    assert np.array_equal(pixels(with_chunk(name, b"a\0bcd e", checksum=1)), UPRIGHT)


def test_a_wrong_checksum_where_it_matters():
    photo = encode(noise(300, 300))
    at = photo.index(b"IDAT") + 100
    refusal(photo[:at] + b"\0\0\0\0" + photo[at + 4 :])


def test_text_after_the_pixels():
    end = encode(UPRIGHT).index(b"IEND") - 4
    text = b"key\0\0" + zlib.compress(bytes(4_000_000))
    assert np.array_equal(pixels(with_chunk(b"zTXt", text, place=end)), UPRIGHT)


def test_exif_after_the_pixels_is_heeded():
    """As browsers do."""
    stored = np.rot90(UPRIGHT)
    photo = encode(stored, exif=oriented(6))
    assert np.array_equal(pixels(photo), UPRIGHT)
    start = photo.index(b"eXIf") - 4
    chunk = photo[start : start + 12 + int.from_bytes(photo[start : start + 4], "big")]
    rest = photo[:start] + photo[start + len(chunk) :]
    end = rest.index(b"IEND") - 4
    assert np.array_equal(pixels(rest[:end] + chunk + rest[end:]), UPRIGHT)


def test_a_png_without_its_last_chunk_is_whole():
    photo = encode(UPRIGHT)
    assert np.array_equal(pixels(photo[:-12]), UPRIGHT)


def test_a_png_in_a_million_pieces_is_refused():
    data = zlib.compress(bytes(16 * 49))
    many = png_chunk(b"IDAT", b"") * 300_000
    assert "damaged" in refusal(png(16, 16, pixels=data, extra=many))


@pytest.mark.parametrize("block", [b"\xff" + b"c" * 255, b"\1c"])
def test_a_gif_with_a_long_comment(block):
    photo = encode(Image.fromarray(UPRIGHT).convert("P"), "GIF")
    at = photo.index(b",", 13)
    comment = b"!\xfe" + block * 40_000 + b"\0"
    assert np.array_equal(pixels(photo[:at] + comment + photo[at:]), UPRIGHT)
    endless = b"!\xfe" + block * 60_000 + b"\0"
    assert "damaged" in refusal(photo[:at] + endless + photo[at:])


def test_a_gif_frame_that_is_larger_than_the_screen():
    photo = bytearray(encode(Image.new("P", (16, 16)), "GIF"))
    at = photo.index(b",", 13)
    photo[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    assert "50 megapixels" in refusal(bytes(photo))


def test_a_gif_of_many_frames_is_not_read_to_its_end():
    photo = encode(Image.new("P", (16, 16), 3), "GIF")
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\x00"
    file = io.BytesIO(photo[:-1] + frame * 1_000_000 + b";")
    assert color(file) == (0, 0, 0)


def test_a_bmp_with_run_lengths_is_named():
    header = struct.pack("<IiiHHIIiiII", 40, 7_000, 7_000, 1, 8, 1, 0, 1, 1, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 2_000_000, 0, 0, 1_078) + header + bytes(1_024)
    assert "run-length" in refusal(data + b"\1\5" * 1_000_000)


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 16), (60_000, -60_000), (-16, 16)])
def test_a_bmp_of_any_size(size):
    header = struct.pack("<IiiHHIIiiII", 40, *size, 1, 24, 0, 0, 1, 1, 0, 0)
    refusal(b"BM" + struct.pack("<IHHI", 2_000, 0, 0, 54) + header + bytes(1_000))


def test_a_bmp_from_top_to_bottom_and_an_old_one():
    rows = UPRIGHT[:, :, ::-1].tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, 64, -32, 1, 24, 0, 0, 1, 1, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + header + rows
    assert np.array_equal(pixels(data), UPRIGHT)
    header = struct.pack("<IHHHH", 12, 64, 32, 1, 24)
    data = b"BM" + struct.pack("<IHHI", 26 + len(rows), 0, 0, 26) + header + rows
    assert np.array_equal(pixels(data), UPRIGHT[::-1])


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": oriented(6)}])
def test_a_webp_of_any_size_is_refused_by_its_header(options):
    """libwebp allocates two canvases of the size that is stated when it opens a file."""
    photo = encode(smooth(64, 64), "WEBP", **options)
    assert load_image(photo).size == (64, 64)
    if "exif" in options:
        large = photo[:24] + b"\xff" * 6 + photo[30:]
    elif "lossless" in options:
        large = photo[:21] + (0x3FFF | 0x3FFF << 14).to_bytes(4, "little") + photo[25:]
    else:
        large = photo[:26] + b"\xff\x3f\xff\x3f" + photo[30:]
    assert "50 megapixels" in refusal(large)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems measure the whole life only")
def test_the_memory_of_a_large_photo_is_given_back(tmp_path):
    side = 7_141
    large = png(side, side, color=6, pixels=zeros(side * (4 * side + 1)))
    with Examiner(write_bundle(tmp_path / "tiny")) as examiner:
        first = examiner.examine(encode(smooth(64, 64)))
        for _ in range(2):
            outcome = examiner.examine(large)
            assert outcome.fault == outcome.refusal == ""
            assert 300 < outcome.megabytes < 600
        encoded = encode(smooth(64, 64))
        for _ in range(2):
            last = examiner.examine(encoded)
        assert last.megabytes < first.megabytes + 300


def test_a_webp_that_would_take_too_much_memory_is_refused_by_its_header():
    photo = encode(smooth(64, 64), "WEBP")
    large = photo[:26] + struct.pack("<HH", 6_000, 6_000) + photo[30:]
    assert "36 megapixels" in refusal(large) and "JPEG" in refusal(large)
