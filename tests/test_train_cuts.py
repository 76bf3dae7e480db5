"""Cuts are stratified and repeatable, and a rule in a bundle selects the same photos again."""

import json

import numpy as np
import pytest

from dogbreed.errors import BundleError, DatasetError, UsageError
from dogbreed.train.data.columns import to_photos
from dogbreed.train.data.cuts import SplitRule, cut_per_class, cut_validation, repeated
from dogbreed.train.data.load import load_evaluation_photos, load_training_data
from tests.helpers.photos import make_rows, photo, write_photos


def test_a_cut_is_stratified_seeded_and_complete():
    labels = np.repeat([0, 1, 2], [10, 20, 3])
    stays, cut = cut_per_class(labels, 5, seed=7)
    assert np.bincount(labels[cut]).tolist() == [5, 5, 3]
    assert sorted([*stays, *cut]) == list(range(33))
    assert np.array_equal(cut, cut_per_class(labels, 5, seed=7)[1])
    assert not np.array_equal(cut, cut_per_class(labels, 5, seed=8)[1])


def test_classes_without_photos_can_be_cut():
    stays, cut = cut_per_class(np.array([0, 0, 2]), np.array([1, 1, 1, 1]), seed=0)
    assert len(stays) == 1 and len(cut) == 2
    assert [len(part) for part in cut_per_class(np.array([], int), np.array([], int), seed=0)] == [
        0,
        0,
    ]


def test_validation_takes_at_most_a_third_of_a_small_class():
    labels = np.repeat([0, 1], [100, 6])
    _, held_out = cut_validation(labels, 25, seed=0)
    assert np.bincount(labels[held_out]).tolist() == [25, 2]


@pytest.mark.parametrize("limit", [None, 3])
def test_the_rules_of_training_select_the_same_photos_again(tmp_path, limit):
    """Also after a bundle has stored them as JSON."""
    write_photos(tmp_path, {"a": 20, "b": 20})
    data = load_training_data(str(tmp_path), limit_per_class=limit, seed=3)
    parts = {}
    for name, photos, rule in (
        ("train", data.train, data.train_rule),
        ("test", data.test, data.test_rule),
    ):
        stored = SplitRule.from_json(json.loads(json.dumps(rule.as_json())))
        assert stored == rule and stored.seed == 3
        again = load_evaluation_photos(str(tmp_path), rule=stored)
        assert again.fingerprint() == photos.fingerprint()
        parts[name] = set(again.digests)
    assert len(parts["train"]) == 2 * (limit or 16) and len(parts["test"]) == 2 * (limit or 4)
    assert not parts["train"] & parts["test"]
    # A split that is named goes before the rule.
    assert len(load_evaluation_photos(str(tmp_path), split="train", rule=data.test_rule)) == 40


def test_photos_of_both_splits_are_left_out_of_test(tmp_path):
    root = write_photos(tmp_path, {"train/a": 5, "train/b": 5, "test/a": 4, "test/b": 4})
    for index in range(2):
        file = root / "test" / "b" / f"copy{index}.png"
        file.write_bytes((root / "train" / "b" / f"{index}.png").read_bytes())
    data = load_training_data(str(root))
    assert len(data.train) == 10 and np.bincount(data.test.labels).tolist() == [4, 4]
    (names,) = data.left_out.values()
    assert len(names) == 2 and "copy0.png" in names[0]
    assert "2 of test that are also in train (" in data.summary()
    assert not len(repeated(data.test, data.train))
    again = load_evaluation_photos(str(root), rule=data.test_rule)
    assert again.fingerprint() == data.test.fingerprint()
    # Near duplicates, as whoever compares features finds them.
    less = data.without([1, 6], "of test that look like one in train")
    assert len(less.test) == 6 and len(less.left_out) == 2
    again = load_evaluation_photos(str(root), rule=less.test_rule)
    assert again.fingerprint() == less.test.fingerprint()


def test_a_test_split_that_was_trained_on_is_refused(tmp_path):
    rows = make_rows(["a", "b"] * 5)
    rows.to_parquet(tmp_path / "train.parquet")
    rows.to_parquet(tmp_path / "test.parquet")
    with pytest.raises(UsageError, match="the same split, train"):
        load_training_data(str(tmp_path), train_split="train", test_split="train")
    with pytest.raises(UsageError, match="the same split, train"):
        load_training_data(str(tmp_path), test_split="train")
    with pytest.raises(DatasetError, match=r"All test photos .* are among its training photos"):
        load_training_data(str(tmp_path))


def test_hashes_go_along_with_their_photos():
    photos = to_photos(make_rows(["a", "b", "c"]), "train")
    fresh = photos.select([2, 0]).digests
    assert photos.digests[2] == fresh[0] and len(set(photos.digests)) == 3
    assert photos.select([2, 0]).digests == fresh


GOOD = SplitRule("train", "test").as_json()


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        GOOD | {"cut": "all"},
        GOOD | {"fraction": 7.0},
        GOOD | {"seed": -1},
        GOOD | {"seed": True},
        GOOD | {"limit_per_class": "3"},
        GOOD | {"left_out": [1]},
        GOOD | {"more": 1},
    ],
)
def test_a_rule_that_is_none_is_refused(value):
    with pytest.raises(BundleError, match="--test-split"):
        SplitRule.from_json(value)
    assert SplitRule.from_json(GOOD) == SplitRule("train", "test")


def test_a_class_with_one_photo_is_trained_on(tmp_path):
    write_photos(tmp_path, {"a": 5, "b": 5, "c": 1})
    data = load_training_data(str(tmp_path))
    assert np.bincount(data.train.labels).tolist() == [4, 4, 1]
    assert np.bincount(data.test.labels).tolist() == [1, 1]
    assert "1 class has no photo to test on (c)" in data.summary()


def test_one_photo_of_each_class_is_too_few(tmp_path):
    write_photos(tmp_path, {"a": 1, "b": 1})
    photo().save(tmp_path / "c.png")
    with pytest.raises(DatasetError, match="one photo only"):
        load_training_data(str(tmp_path))
