"""Test photos that go with a model as examples."""

import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.bundle import EXAMPLES
from dogbreed.errors import UsageError
from dogbreed.train.checks import check_options
from dogbreed.train.data.load import load_evaluation_photos
from dogbreed.train.options import Options
from dogbreed.train.report.examples import write_examples
from tests.helpers.tiny_bundle import LABELS, draw_disc, write_bundle


@pytest.fixture
def model(tmp_path) -> DogBreedClassifier:
    """One that names the color of a photo, and is sure of it."""
    bundle = write_bundle(tmp_path / "bundle", temperature=0.01)
    return DogBreedClassifier.from_pretrained(bundle)


@pytest.fixture
def photos(tmp_path):
    """Three of each class; of the last class all are of another color, and one is broken."""
    for label, color in zip(LABELS, ("red", "lime", "red"), strict=True):
        (tmp_path / "data" / label).mkdir(parents=True)
        for size in (600, 601, 602):
            draw_disc(size, color=color).save(tmp_path / "data" / label / f"{size}.png")
    return load_evaluation_photos(str(tmp_path / "data"))


def test_each_is_of_another_class_and_answered_right(model, photos, tmp_path):
    partial = tmp_path / "partial"
    partial.mkdir()
    assert write_examples(model, photos, 3, partial) == 2
    written = sorted((partial / EXAMPLES).iterdir())
    assert {model.predict(path).ids[0] for path in written} == {0, 1} and len(written) == 2
    for path in written:
        with Image.open(path) as image:
            assert max(image.size) <= 480 and image.format == "JPEG" and not image.getexif()
    # The same photos again, whatever was there.
    assert write_examples(model, photos, 1, tmp_path / "bundle") == 1
    assert len(list((tmp_path / "bundle" / EXAMPLES).iterdir())) == 1


def test_no_more_than_a_page_shows(tmp_path):
    with pytest.raises(UsageError, match="--examples must be from 0 to 12, not 13"):
        check_options(Options(tmp_path / "model", cache_dir=tmp_path, examples=13))
