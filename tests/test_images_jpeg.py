"""JPEG files: scale, size, memory, metadata, and files whose end is missing."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageFile

from dogbreed.images import RESIZE_METHODS, load_image, prepare, to_square
from dogbreed.images.jpeg import read_jpeg
from tests.helpers.encoded import encode, oriented, refusal, smooth
from tests.helpers.examine import Examiner
from tests.helpers.layout_bombs import jpeg, segment
from tests.helpers.tiny_bundle import write_bundle

END = b"\xff\xd9"


@pytest.fixture(scope="module")
def examiner(tmp_path_factory):
    """Another process that answers photos and measures itself."""
    with Examiner(write_bundle(tmp_path_factory.mktemp("model") / "tiny")) as examiner:
        yield examiner


def flat(width: int, height: int, **options: object) -> bytes:
    """A large photo of one gray."""
    return encode(Image.new("L", (width, height), 99), "JPEG", quality=50, **options)


def resized(data: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header states another size."""
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def difference(one: np.ndarray | Image.Image, other: np.ndarray | Image.Image) -> float:
    return float(np.abs(np.asarray(one).astype(int) - np.asarray(other)).mean())


def test_a_large_jpeg_is_not_decoded_in_full_but_gives_the_same_frame(tmp_path):
    for orientation in (1, 6):
        data = encode(smooth(4000, 3000), "JPEG", quality=90, exif=oriented(orientation))
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
        data = encode(Image.new("RGB", (4000, 3000)), "JPEG", exif=oriented(orientation))
        loaded = load_image(data, at_least)
        assert loaded.size == (size if orientation == 1 else size[::-1])


def test_a_smaller_jpeg_than_was_asked_for_keeps_its_size():
    assert load_image(encode(Image.new("RGB", (300, 200)), "JPEG"), 900).size == (300, 200)


@pytest.mark.parametrize(
    ("size", "options", "loaded"),
    [
        # What phones call 50, 108 and 200 megapixels.
        ((8160, 6144), {}, (8160, 6144)),
        ((8192, 6144), {}, (8192, 6144)),
        ((12_000, 9000), {}, (6000, 4500)),
        ((16_320, 12_240), {}, (8160, 6120)),
        # Of a progressive one the decoder keeps all coefficients, so less remains for the pixels.
        ((12_000, 9000), {"progressive": True}, (3000, 2250)),
    ],
)
def test_photos_of_large_sensors(examiner, size, options, loaded):
    data = flat(*size, **options)
    assert load_image(data).size == loaded
    assert difference(prepare(data), np.full((299, 299, 3), 99)) <= 1
    outcome = examiner.examine(data)
    assert outcome.fault == outcome.refusal == ""
    assert outcome.megabytes < 600 and outcome.seconds < 5


def test_what_is_too_large_at_any_scale_is_refused_by_its_header():
    small = encode(smooth(64, 64), "JPEG")
    assert "300 megapixels" in refusal(resized(small, 20_000, 15_001))
    # 200 megapixels of coefficients are 1.2 GB.
    progressive = encode(smooth(64, 64), "JPEG", progressive=True, subsampling=0)
    assert "200 megapixels" in refusal(resized(progressive, 16_320, 12_240))


def test_coefficients_are_counted_with_the_sampling_of_each_component():
    for subsampling, blocks in ((0, 3 * 10 * 8), (1, 10 * 8 + 2 * 5 * 8), (2, 10 * 8 + 2 * 5 * 4)):
        data = encode(smooth(80, 64), "JPEG", progressive=True, subsampling=subsampling)
        assert read_jpeg(data).coefficients == 128 * blocks
    assert read_jpeg(encode(smooth(80, 64), "JPEG")).coefficients == 0
    gray = encode(smooth(80, 64).convert("L"), "JPEG", progressive=True)
    assert read_jpeg(gray).coefficients == 128 * 80


def test_scans_without_number_are_refused():
    data = encode(smooth(2000, 2000), "JPEG", progressive=True)
    assert load_image(data).size == (2000, 2000)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert "rare kind" in refusal(data[:-2] + last[:20] * 10_000 + END)


@pytest.mark.parametrize("lost", [2, 3])
def test_a_missing_marker_at_the_end_is_not_worth_a_word(lost):
    data = encode(smooth(640, 480), "JPEG")
    notes: list[str] = []
    cut = load_image(data[:-lost], notes=notes)
    assert difference(cut, load_image(data)) < 0.1
    assert notes == []
    assert difference(prepare(data[:-lost]), prepare(data)) < 0.1


@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 2}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_photo_without_its_end_is_answered_with_a_note(mode, options):
    data = encode(smooth(640, 480).convert(mode), "JPEG", quality=90, **options)
    whole, notes = np.asarray(load_image(data)), []
    cut = np.asarray(load_image(data[: len(data) * 3 // 4], notes=notes))
    assert cut.shape == whole.shape
    assert difference(cut[:300], whole[:300]) < 0.1
    (note,) = notes
    share = int(note.removeprefix("The last ").partition("%")[0]) / 100
    assert 0.15 < share < 0.35
    # The rest has a single color.
    assert len(np.unique(cut[round(480 * (1 - share)) + 16 :].reshape(-1, 3), axis=0)) == 1


def test_a_small_frame_of_a_photo_without_its_end_says_the_same():
    data = encode(smooth(4000, 3000), "JPEG", quality=90)
    full, small = [], []
    load_image(data[: len(data) * 3 // 4], notes=full)
    prepare(data[: len(data) * 3 // 4], notes=small)
    assert full == small and "%" in full[0]


def test_a_progressive_photo_without_its_end_lacks_detail_only():
    data = encode(smooth(640, 480), "JPEG", progressive=True, quality=90)
    for share in (0.6, 0.9):
        notes: list[str] = []
        cut = load_image(data[: round(len(data) * share)], notes=notes)
        assert difference(cut, load_image(data)) < 4
        assert notes == ["The end of this file is missing, so the photo may lack detail."]


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_of_which_most_is_missing_is_refused(progressive):
    data = encode(smooth(640, 480), "JPEG", progressive=progressive, quality=90)
    start = data.index(b"\xff\xda")
    assert "Most of this photo is missing" in refusal(data[: start + 200])
    for cut in (0, 3, 40, start - 5):
        refusal(data[:cut])


def test_a_whole_photo_that_is_gray_at_its_end_needs_no_note():
    notes: list[str] = []
    load_image(encode(Image.new("RGB", (64, 64), (128, 128, 128)), "JPEG"), notes=notes)
    assert notes == []


def test_metadata_is_dropped_before_decoding():
    photo = load_image(jpeg())
    exif = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(60_000))
    profiles = [segment(0xE2, b"ICC_PROFILE\0" + bytes(65_000)) for _ in range(100)]
    for segments in ([exif], [exif] * 100, profiles, [segment(0xFE, bytes(65_000))] * 100):
        data = jpeg(*segments)
        assert len(read_jpeg(data).data) < 10_000
        assert difference(load_image(data), photo) == 0


def test_padding_between_segments_is_skipped():
    assert difference(load_image(jpeg(b"\xff" * 100_000)), load_image(jpeg())) == 0


def test_a_picture_of_several_is_the_first():
    images = [smooth(96, 64, seed) for seed in range(2)]
    data = encode(images[0], "MPO", save_all=True, append_images=images[1:])
    assert difference(load_image(data), images[0]) < 8 < difference(load_image(data), images[1])


@pytest.mark.parametrize("code", [0xC3, 0xC5, 0xC9, 0xCA, 0xCB])
def test_rare_kinds_are_named(code):
    data = encode(smooth(64, 64), "JPEG").replace(b"\xff\xc0", bytes([0xFF, code]), 1)
    assert "JPEG of a rare kind" in refusal(data)


def test_12_bits_are_a_rare_kind():
    data = bytearray(encode(smooth(64, 64), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    assert "JPEG of a rare kind" in refusal(bytes(data))


def test_two_headers_are_refused():
    data = encode(smooth(64, 64), "JPEG")
    at = data.index(b"\xff\xc0")
    header = data[at : at + 19]
    larger = header[:5] + struct.pack(">HH", 4000, 4000) + header[9:]
    assert "damaged" in refusal(data[:at] + larger + data[at:])
    scans = data.index(b"\xff\xda")
    assert "damaged" in refusal(data[:scans] + larger + data[scans:])


def test_pillow_is_left_as_it_is():
    """Its switch for cut files would hold for everything else in the process."""
    load_image(encode(smooth(64, 64), "JPEG")[:-2])
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert Image.MAX_IMAGE_PIXELS == 89_478_485
