"""Where photos are from, as the names of their files say."""

from pathlib import Path

import datasets
import pytest

from dogbreed.train.data.load import load_evaluation_photos
from dogbreed.train.measure.everything import sources_of
from tests.helpers.photos import photo


def write(root: Path, names_of_class: dict[str, list[str]]):
    for number, (label, names) in enumerate(names_of_class.items()):
        (root / label).mkdir(parents=True)
        for index, name in enumerate(names):
            photo().rotate(7 * index + 3 * number).save(root / label / name)
    return root


@pytest.mark.parametrize(
    ("names", "sources"),
    [
        (["web-1.png", "web-2.png", "my-dog-1.png", "my-dog-2.png"], {"web", "my-dog"}),
        # One name alone is no collection, and some have none.
        (["web-1.png", "web-2.png", "phone-1.png"], {"all"}),
        (["web-1.png", "web-2.png", "plain.png"], {"all"}),
        ([f"photo{number}-{part}.png" for number in range(21) for part in "ab"], {"all"}),
    ],
)
def test_the_source_is_what_the_names_begin_with(tmp_path, names, sources):
    half = len(names) // 2
    root = write(tmp_path, {"pug": names[:half], "beagle": names[half:]})
    photos = load_evaluation_photos(str(root))
    found = sources_of(photos)
    assert set(found) == sources and len(found) == len(names)
    if sources != {"all"}:
        for row, source in enumerate(found):
            assert photos.file_name(row).startswith(f"{source}-")


def test_a_photo_without_a_name_has_no_source(tmp_path):
    rows = datasets.Dataset.from_dict({"image": [photo()] * 2, "label": [0, 1]})
    rows = rows.cast_column("image", datasets.Image())
    rows = rows.cast_column("label", datasets.ClassLabel(names=["pug", "beagle"]))
    rows.to_parquet(tmp_path / "parquet" / "test.parquet")
    photos = load_evaluation_photos(str(tmp_path / "parquet"))
    assert [photos.file_name(row) for row in range(2)] == ["", ""]
    assert sources_of(photos) == ["all", "all"]
