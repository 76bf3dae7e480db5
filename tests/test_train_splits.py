"""No photo is in two splits, and photos that look alike are not divided among them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogbreed.errors import DatasetError
from dogbreed.train.data.cuts import SplitRule
from dogbreed.train.data.load import load_training_data
from dogbreed.train.data.splits import (
    describe_data,
    leave_out_duplicates,
    split_rows,
)
from dogbreed.train.options import Options
from tests.helpers.photos import pixel_features, write_photos

LABELS = np.repeat([0, 1, 2], [30, 20, 4])
APART = np.arange(54)


def options(**changes: object) -> Options:
    return Options(Path("model"), validation_per_class=6, **changes)


def test_out_of_fold_answers_settle_on_the_photos_that_are_trained_on():
    train, validation, settling = split_rows(LABELS, APART, APART, options())
    assert np.array_equal(train, settling)
    assert sorted([*train, *validation]) == APART.tolist()
    assert np.bincount(LABELS[validation]).tolist() == [6, 6, 1]


@pytest.mark.parametrize("change", [{"train_from": "mixed8"}, {"recipe": "article"}])
def test_other_recipes_keep_photos_out_of_every_fit(change):
    train, validation, settling = split_rows(LABELS, APART, APART, options(**change))
    assert sorted([*train, *validation, *settling]) == APART.tolist()
    assert np.bincount(LABELS[settling]).tolist() == [3, 3]
    assert np.bincount(LABELS[validation]).tolist() == [3, 3, 1]


@pytest.mark.parametrize("change", [{}, {"train_from": "mixed8"}])
def test_photos_that_look_alike_are_on_one_side(change):
    groups = APART // 2
    train, validation, settling = split_rows(LABELS, APART, groups, options(**change))
    assert not set(groups[train]) & set(groups[validation])
    if change:
        assert not set(groups[settling]) & set(groups[np.concatenate([train, validation])])
    assert len(validation)


def test_photos_that_cannot_be_decoded_are_in_no_split():
    usable = np.setdiff1d(APART, [0, 31])
    rows = np.concatenate(split_rows(LABELS, usable, APART, options()))
    assert not {0, 31} & set(rows)


def test_photos_that_all_look_alike_are_refused():
    with pytest.raises(DatasetError, match="too few of them differ"):
        split_rows(LABELS, APART, np.zeros(54, int), options())
    with pytest.raises(DatasetError, match="54 photos to train on 4 can be decoded"):
        split_rows(LABELS, np.array([0, 1, 30, 31]), APART, options())


def test_test_photos_that_look_like_a_training_photo_are_left_out(tmp_path):
    root = write_photos(tmp_path / "data", {"train/a": 5, "train/b": 5, "test/a": 3, "test/b": 3})
    with Image.open(root / "train" / "a" / "1.png") as photo:
        photo.save(root / "test" / "b" / "copy.bmp")
        photo.save(root / "train" / "b" / "again.tiff")
    data = load_training_data(str(root))
    assert (len(data.train), len(data.test)) == (11, 7)
    trained, tested = (
        pixel_features(photos, tmp_path / name)
        for name, photos in (("train", data.train), ("test", data.test))
    )
    less, groups, pairs = leave_out_duplicates(data, trained, tested)
    assert len(less.test) == 6 and len(less.train) == 11
    assert "1 of test that look like one in train" in less.summary()
    assert len(set(groups)) == 10
    named = {(row["file"], row["other_file"]) for row in pairs}
    assert named == {
        ("a/1.png", "b/again.tiff"),
        ("b/copy.bmp", "a/1.png"),
        ("b/copy.bmp", "b/again.tiff"),
    }
    described = json.loads(json.dumps(describe_data(less)))
    assert described["splits"]["test"]["photos"] == 6
    assert SplitRule.from_json(described["splits"]["test"]["rule"]) == less.test_rule
    assert str(tmp_path) not in json.dumps(described) + json.dumps(pairs)


def test_photos_are_named_without_the_folders_of_this_machine(tmp_path):
    photos = load_training_data(str(write_photos(tmp_path / "data", {"a": 5, "b": 5}))).train
    assert photos.short_name(0) in {f"a/{number}.png" for number in range(5)}
