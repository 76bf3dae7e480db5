"""Datasets of every shape become photos with class numbers, or a clear error."""

from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from dogbreed.errors import DatasetError
from dogbreed.train.data.cuts import learned_from, measured_on
from dogbreed.train.data.load import load_evaluation_photos, load_negatives, load_training_data
from tests.helpers.photos import make_rows, photo, write_photos
from tests.helpers.shapes import LABELS


def test_an_image_folder_has_its_splits_and_class_names(shapes_folder):
    data = load_training_data(str(shapes_folder))
    assert data.train.label_names == LABELS
    assert np.bincount(data.train.labels).tolist() == [12, 12, 12]
    assert np.bincount(data.test.labels).tolist() == [4, 4, 4]
    assert data.test.split == "test"


def test_negatives_are_split_by_their_content(negatives_folder, tmp_path):
    negatives = load_negatives(str(negatives_folder))
    assert len(negatives) == 24 and negatives.label_names == ("noise", "stripes")
    learned, measured = learned_from(negatives), measured_on(negatives)
    assert sorted([*learned, *measured]) == list(range(24))
    assert 0 < len(learned) < 24
    # The same photos in another order and without names are split the same way.
    rows = datasets.Dataset.from_dict(
        {"photo": [negatives.encoded(row) for row in reversed(range(24))]},
        features=datasets.Features({"photo": datasets.Image()}),
    )
    datasets.DatasetDict({"test": rows}).save_to_disk(tmp_path / "turned")
    turned = load_negatives(str(tmp_path / "turned"))
    assert turned.label_names == ("photo",)
    assert {turned.digests[row] for row in learned_from(turned)} == {
        negatives.digests[row] for row in learned
    }


def test_one_split_only_gets_a_fifth_cut_off(tmp_path):
    """As `Alanox/stanford-dogs`: one split `full`, the label in `target`, as text."""
    rows = make_rows(["b", "a"] * 10, label="target")
    datasets.DatasetDict({"full": rows}).save_to_disk(tmp_path / "full")
    data = load_training_data(str(tmp_path / "full"))
    assert data.train.label_names == ("a", "b")
    assert np.bincount(data.train.labels).tolist() == [8, 8]
    assert np.bincount(data.test.labels).tolist() == [2, 2]
    seen = {data.train.encoded(i) for i in range(16)} | {data.test.encoded(i) for i in range(4)}
    assert len(seen) == 20


def test_the_image_column_is_found_by_its_type(tmp_path):
    """As `amaye15/stanford-dogs`: the photos are in `pixel_values`."""
    kind = datasets.ClassLabel(names=["cat", "dog"])
    splits = {n: make_rows([0, 1] * 6, image="pixel_values", kind=kind) for n in ("train", "test")}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "data")
    data = load_training_data(str(tmp_path / "data"))
    assert data.train.image_column == "pixel_values"
    assert data.train.label_names == ("cat", "dog")


def test_splits_with_different_text_labels_share_class_numbers(tmp_path):
    splits = {"train": make_rows(["a", "b", "c"] * 3), "validation": make_rows(["c", "a"])}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "data")
    data = load_training_data(str(tmp_path / "data"))
    assert data.test.split == "validation"
    assert data.test.labels.tolist() == [2, 0]


def test_a_limit_keeps_that_many_of_each_class(shapes_folder):
    data = load_training_data(str(shapes_folder), limit_per_class=2)
    assert np.bincount(data.train.labels).tolist() == [2, 2, 2]
    again = load_training_data(str(shapes_folder), limit_per_class=2)
    assert data.train.fingerprint() == again.train.fingerprint()
    other = load_training_data(str(shapes_folder), limit_per_class=2, seed=1)
    assert data.train.fingerprint() != other.train.fingerprint()


def test_evaluation_photos_are_the_test_split_or_the_named_one(shapes_folder):
    assert load_evaluation_photos(str(shapes_folder)).split == "test"
    assert len(load_evaluation_photos(str(shapes_folder), split="train")) == 36


def test_fingerprint_is_of_the_files_in_their_order(shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    same = load_evaluation_photos(str(shapes_folder))
    assert photos.fingerprint() == same.fingerprint()
    assert photos.select([1, 0]).fingerprint() != photos.select([0, 1]).fingerprint()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_column": "photo"}, "no column photo.*--image-column"),
        ({"label_column": "breed"}, "no column breed.*--label-column"),
        ({"train_split": "training"}, "no split training.*train, test.*--train-split"),
        ({"test_split": "holdout"}, "no split holdout.*--test-split"),
    ],
)
def test_names_that_do_not_exist_are_refused(shapes_folder, options, message):
    with pytest.raises(DatasetError, match=message):
        load_training_data(str(shapes_folder), **options)


def test_a_dataset_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="cannot be loaded"):
        load_training_data(str(tmp_path / "nothing"))


def test_one_class_only_is_refused(tmp_path):
    datasets.DatasetDict({"train": make_rows(["a"] * 10)}).save_to_disk(tmp_path / "data")
    with pytest.raises(DatasetError, match="at least two"):
        load_training_data(str(tmp_path / "data"))


def test_photos_keep_the_encoded_file(tmp_path):
    folder = tmp_path / "photos" / "a"
    folder.mkdir(parents=True)
    Image.new("RGB", (20, 20), "red").save(folder / "red.png")
    (tmp_path / "photos" / "b").mkdir()
    Image.new("RGB", (20, 20), "blue").save(tmp_path / "photos" / "b" / "blue.png")
    photos = load_evaluation_photos(str(tmp_path / "photos"))
    data = photos.encoded(0)
    content = data if isinstance(data, bytes) else Path(data).read_bytes()
    assert content == (folder / "red.png").read_bytes()
    assert "red.png" in photos.describe(0)


def test_a_classlabel_without_photos_at_the_end_is_kept(tmp_path):
    """As after `filter`: the names are those of the whole dataset."""
    kind = datasets.ClassLabel(names=["a", "b", "c"])
    make_rows([0, 1] * 5, kind=kind).save_to_disk(tmp_path)
    data = load_training_data(str(tmp_path))
    assert data.train.label_names == ("a", "b", "c")
    assert np.bincount(data.train.labels).tolist() == [4, 4]
    assert "1 class has no photo to train on (c)" in data.summary()


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("golden_retriever", "golden retriever"), None),
        (("Beagle", "beagle"), None),
        (("beagle", "beagle "), None),
        (("n02088364-beagle", "Beagle"), None),
        (("beagle", "Beagle"), ("train", "test")),
    ],
)
def test_labels_that_look_the_same_are_refused(tmp_path, names, splits):
    """In columns of text and in folders, before anything is trained."""
    one, other = names
    if splits:
        write_photos(tmp_path, {f"train/{one}": 3, "train/pug": 3, f"test/{other}": 3})
    else:
        make_rows([one, other, "pug"] * 5).save_to_disk(tmp_path)
    with pytest.raises(DatasetError, match=f"{sorted(names)[0]!r} and {sorted(names)[1]!r}.*same"):
        load_training_data(str(tmp_path))


def test_a_class_to_test_on_needs_photos_to_train_on(tmp_path):
    write_photos(tmp_path, {"train/a": 3, "train/b": 3, "test/a": 1, "test/c": 1})
    with pytest.raises(DatasetError, match=r"split test has classes without .*: c;"):
        load_training_data(str(tmp_path))
    kind = datasets.ClassLabel(names=["a", "b", "c"])
    splits = {"train": make_rows([0, 1] * 3, kind=kind), "test": make_rows([0, 2], kind=kind)}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    with pytest.raises(DatasetError, match=r"split test has classes without .*: c;"):
        load_training_data(str(tmp_path / "saved"))


@pytest.mark.parametrize("column", ["label", "other"])
def test_a_test_split_without_labels_is_not_used(tmp_path, column):
    kind = datasets.ClassLabel(names=["a", "b"])
    splits = {
        "train": make_rows([0, 1] * 5, kind=kind),
        "test": make_rows([-1] * 4, label=column, kind=kind if column == "label" else None),
        "validation": make_rows([1, 0, 1], kind=kind),
    }
    if column == "other":
        splits["test"] = splits["test"].remove_columns("other")
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "three")
    data = load_training_data(str(tmp_path / "three"))
    assert (data.test.split, len(data.test), len(data.train)) == ("validation", 3, 10)
    assert "test has no labels and is not used" in data.summary()
    assert load_evaluation_photos(str(tmp_path / "three")).split == "validation"
    del splits["validation"]
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "two")
    data = load_training_data(str(tmp_path / "two"))
    assert (data.test.split, len(data.test), len(data.train)) == ("test, cut from train", 2, 8)
    with pytest.raises(DatasetError, match="test"):
        load_training_data(str(tmp_path / "two"), test_split="test")


def test_negatives_of_any_shape_are_all_kept(tmp_path):
    """Two columns of text, one of numbers, names that are missing, splits with other classes."""
    columns = {
        "image": [photo() for _ in range(4)],
        "caption": ["a", "b", "c", "d"],
        "name": ["cat", None, "cat", ""],
        "score": [0.5, None, 1.0, 2.0],
    }
    rows = datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())
    splits = {
        "train": rows,
        "test": make_rows([0, 1, -1], kind=datasets.ClassLabel(names=["fox", "wolf"])),
        "more": make_rows([2], kind=datasets.ClassLabel(names=["x", "y", "z"])),
        "numbers": make_rows([0.5, 0.25], label="score", kind=datasets.Value("float32")),
    }
    datasets.DatasetDict(splits).save_to_disk(tmp_path)
    negatives = load_negatives(str(tmp_path))
    names = [negatives.label_names[number] for number in negatives.labels]
    assert names == ["cat", "photo", "cat", "photo", "fox", "wolf", "photo", "z", "photo", "photo"]
    assert len({negatives.encoded(row) for row in range(10)}) == 10


def test_errors_of_negatives_name_options_that_there_are(tmp_path):
    rows = [make_rows(["x"], image=name).select_columns([name]) for name in ("first", "second")]
    datasets.concatenate_datasets(rows, axis=1).save_to_disk(tmp_path / "two")
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(tmp_path / "none")
    for name in ("two", "none"):
        with pytest.raises(DatasetError, match="--not-dogs takes a dataset with one") as caught:
            load_negatives(str(tmp_path / name))
        assert "--image-column" not in str(caught.value)
    kinds = datasets.Features({"image": datasets.Image()})
    datasets.Dataset.from_dict({"image": [None]}, kinds).save_to_disk(tmp_path / "empty")
    with pytest.raises(DatasetError, match="contains no photos"):
        load_negatives(str(tmp_path / "empty"))
