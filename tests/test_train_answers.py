"""Classes are matched by label, and what photos show is grouped."""

import pytest

from dogbreed.bundle import Bundle
from dogbreed.errors import DatasetError
from dogbreed.train.measure.answers import group_of, match_labels


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("cat", "cat"),
        ("n02123394_Persian_cat", "cats, wild and tame"),
        ("n02114367_timber_wolf", "wolves and foxes"),
        ("n02119789-kit_fox", "wolves and foxes"),
        ("n02085620-Chihuahua", "dogs"),
        ("n02132136_brown_bear", "other animals"),
        ("n01440764_tench", "other animals"),
        ("n07697537_hotdog", "food"),
        ("n07248320_book_jacket", "things"),
        ("n04254680_soccer_ball", "things"),
        ("n09193705_alp", "places"),
        ("n10148035_groom", "people"),
        ("n11939491_daisy", "plants and fungi"),
        ("n15075141_toilet_tissue", "things"),
        ("nothing", "nothing"),
    ],
)
def test_imagenets_classes_are_grouped(name, group):
    assert group_of(name) == group


def test_labels_are_matched_by_name(tmp_path):
    from dogbreed.train.data.columns import to_photos
    from tests.test_train_load import make_rows

    bundle = Bundle(tmp_path, {"label2id": {"c": 0, "a": 1, "b": 2}})
    photos = to_photos(make_rows(["a", "b", "a"]), "test")
    assert match_labels(bundle, photos).tolist() == [1, 2, 1]
    with pytest.raises(DatasetError, match="does not know 1 of the dataset's classes \\(z\\)"):
        match_labels(bundle, to_photos(make_rows(["a", "z"]), "test"))
