"""Photos that have nothing to do with the training photos: how they are labeled, and from where."""

import datasets
import pytest

from dogbreed.errors import DatasetError
from dogbreed.train.data import load_evaluation_photos
from dogbreed.train.independent import load_independent, sources_of
from tests.helpers.photos import photo


def write(root, names_of_class: dict[str, list[str]]):
    for number, (label, names) in enumerate(names_of_class.items()):
        (root / label).mkdir(parents=True)
        for name in names:
            photo().rotate(17 * number + len(name)).save(root / label / name)
    return root


def test_classes_are_numbered_like_those_of_the_model(tmp_path):
    root = write(tmp_path, {"pug": ["a-1.png", "a-2.png"], "beagle": ["b-1.png", "b-2.png"]})
    photos = load_independent(str(root), ("akita", "beagle", "boxer", "pug"))
    assert photos.label_names == ("akita", "beagle", "boxer", "pug")
    by_name = {photos.file_name(row): photos.labels[row] for row in range(len(photos))}
    assert by_name == {"a-1.png": 3, "a-2.png": 3, "b-1.png": 1, "b-2.png": 1}


def test_a_class_that_the_model_does_not_know_is_named(tmp_path):
    root = write(tmp_path, {"pug": ["a.png"], "wolf": ["b.png"], "fox": ["c.png"]})
    with pytest.raises(DatasetError, match=r"classes that the model does not know \(fox, wolf\)"):
        load_independent(str(root), ("beagle", "pug"))


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
