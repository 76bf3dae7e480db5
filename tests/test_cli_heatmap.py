"""What `predict --heatmap` draws, in which format, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogbreed.images import RESIZE_METHODS
from tests.helpers import predicting
from tests.helpers.predicting import assert_refused
from tests.helpers.tiny_bundle import write_bundle

photo, folder, predict = predicting.photo, predicting.folder, predicting.predict


@pytest.mark.parametrize("size", [(320, 160), (50, 100), (1280, 960)])
def test_heatmap(predict, tmp_path, size):
    width, height = 640, round(640 * size[1] / size[0])
    Image.new("RGB", size, (0, 0, 255)).save(tmp_path / "blue.png")
    heatmap = tmp_path / "heatmap"
    code, out, _ = predict(tmp_path / "blue.png", "--heatmap", heatmap)
    assert code == 0 and len(out.splitlines()) == 3
    with Image.open(heatmap) as image:
        assert image.format == "PNG"
        header = image.height - height
        assert image.width == width and 3 * 24 < header < 200
        title = np.asarray(image.convert("L"))[:header]
    # Black letters on white, and below them the photo under the color of the evidence.
    assert title.max() == 255 and title.min() < 50
    assert {*title[0], *title[:, 0], *title[-1]} == {255}


@pytest.mark.parametrize(
    ("name", "format"), [("x.png", "PNG"), ("x.PNG", "PNG"), ("x.jpg", "JPEG"), ("x.JPEG", "JPEG")]
)
def test_the_suffix_decides_the_format_of_a_heatmap(predict, photo, tmp_path, name, format):
    assert predict(photo, "--heatmap", tmp_path / name)[0] == 0
    with Image.open(tmp_path / name) as image:
        assert image.format == format


@pytest.mark.parametrize("name", ["x.pdf", "x.webp", "x.png.txt"])
def test_a_heatmap_in_another_format_is_refused_before_anything_is_loaded(predict, photo, name):
    message = assert_refused(predict(photo, "--heatmap", name, model="missing"))
    assert Path(name).suffix in message and ".jpg" in message


def test_heatmap_shows_the_photo_upright(predict, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32)).save(tmp_path / "photo.jpg", exif=exif)
    code, _, _ = predict(tmp_path / "photo.jpg", "--heatmap", tmp_path / "heatmap.png")
    assert code == 0
    with Image.open(tmp_path / "heatmap.png") as image:
        assert image.height > 1280


def test_heatmap_lays_the_evidence_where_it_belongs(predict, tmp_path):
    photo = Image.new("RGB", (64, 32))
    photo.paste("red", (0, 0, 64, 16))
    photo.save(tmp_path / "photo.png")
    for resize in ("squash", "letterbox"):
        preprocessing = {"scale": "inception", "resize": resize}
        model = write_bundle(tmp_path / resize, preprocessing=preprocessing)
        heatmap = tmp_path / f"{resize}.png"
        assert predict(tmp_path / "photo.png", "--heatmap", heatmap, model=model)[0] == 0
        with Image.open(heatmap) as image:
            top = image.height - 320
            assert image.getpixel((320, top + 40)) != (255, 0, 0)
            assert image.getpixel((320, top + 280)) == (0, 0, 0)


@pytest.mark.parametrize("resize", RESIZE_METHODS)
@pytest.mark.parametrize("size", [(10, 12_000), (12_000, 10)])
def test_heatmap_of_a_very_long_photo(predict, tmp_path, size, resize):
    Image.new("RGB", size, "red").save(tmp_path / "long.png")
    preprocessing = {"scale": "inception", "resize": resize}
    model = write_bundle(tmp_path / "model", preprocessing=preprocessing)
    heatmap = tmp_path / "heatmap.png"
    code, _, err = predict(tmp_path / "long.png", "--heatmap", heatmap, model=model)
    assert (code, err) == (0, "") and heatmap.is_file()


def test_heatmap_takes_one_photo_that_can_be_read(predict, photo, folder, tmp_path):
    heatmap = tmp_path / "heatmap.png"
    assert "one photo, not 2" in assert_refused(predict(photo, photo, "--heatmap", heatmap))
    assert "one photo, not 3" in assert_refused(predict(folder, "--heatmap", heatmap))
    assert_refused(predict(folder / "broken.jpg", "--heatmap", heatmap))
    assert "the photo itself" in assert_refused(predict(photo, "--heatmap", photo))
    assert not heatmap.exists()
    code, _, err = predict(photo, "--heatmap", tmp_path / "missing" / "heatmap.png")
    assert code == 2 and "--heatmap" in err and len(err.splitlines()) == 1
