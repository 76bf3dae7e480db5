"""Datasets of every shape become photos with class numbers, or a clear error."""

from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from dogbreed.errors import DatasetError
from dogbreed.train.columns import to_photos
from dogbreed.train.cuts import cut_per_class, cut_validation, learned_from, measured_on
from dogbreed.train.data import load_evaluation_photos, load_negatives, load_training_data
from tests.helpers.shapes import LABELS, draw_shape


def make_rows(labels, image="image", label="label", kind=None) -> datasets.Dataset:
    photos = [draw_shape(n % 3, n) for n in range(len(labels))]
    features = datasets.Features({image: datasets.Image(), label: kind or datasets.Value("string")})
    return datasets.Dataset.from_dict({image: photos, label: labels}, features=features)


def test_an_image_folder_has_its_splits_and_class_names(shapes_folder):
    data = load_training_data(str(shapes_folder))
    assert data.train.label_names == LABELS
    assert np.bincount(data.train.labels).tolist() == [12, 12, 12]
    assert np.bincount(data.test.labels).tolist() == [4, 4, 4]
    assert data.test.split == "test"


def test_photos_without_a_dog_are_split_by_their_content(others_folder, tmp_path):
    negatives = load_negatives(str(others_folder))
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
    assert {turned.digest(row) for row in learned_from(turned)} == {
        negatives.digest(row) for row in learned
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
    rows = make_rows([0, 1] * 6, image="pixel_values", kind=kind)
    datasets.DatasetDict({"train": rows, "test": rows}).save_to_disk(tmp_path / "data")
    data = load_training_data(str(tmp_path / "data"))
    assert data.train.image_column == "pixel_values"
    assert data.train.label_names == ("cat", "dog")


def test_splits_with_different_text_labels_share_class_numbers(tmp_path):
    splits = {"train": make_rows(["a", "b", "c"] * 3), "validation": make_rows(["c", "a"])}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "data")
    data = load_training_data(str(tmp_path / "data"))
    assert data.test.split == "validation"
    assert data.test.labels.tolist() == [2, 0]


def test_unlabelled_photos_are_left_out():
    kind = datasets.ClassLabel(names=["cat", "dog"])
    photos = to_photos(make_rows([0, -1, 1, -1], kind=kind), "train")
    assert photos.labels.tolist() == [0, 1]


def test_whole_numbers_keep_their_order():
    photos = to_photos(make_rows([10, 2, 10], kind=datasets.Value("int64")), "train")
    assert photos.label_names == ("2", "10")
    assert photos.labels.tolist() == [1, 0, 1]


def test_limit_keeps_so_many_of_each_class(shapes_folder):
    data = load_training_data(str(shapes_folder), limit_per_class=2)
    assert np.bincount(data.train.labels).tolist() == [2, 2, 2]
    again = load_training_data(str(shapes_folder), limit_per_class=2)
    assert data.train.fingerprint() == again.train.fingerprint()
    other = load_training_data(str(shapes_folder), limit_per_class=2, seed=1)
    assert data.train.fingerprint() != other.train.fingerprint()


def test_cut_is_stratified_seeded_and_complete():
    labels = np.repeat([0, 1, 2], [10, 20, 3])
    stays, cut = cut_per_class(labels, 5, seed=7)
    assert np.bincount(labels[cut]).tolist() == [5, 5, 3]
    assert sorted([*stays, *cut]) == list(range(33))
    assert np.array_equal(cut, cut_per_class(labels, 5, seed=7)[1])
    assert not np.array_equal(cut, cut_per_class(labels, 5, seed=8)[1])


def test_validation_takes_at_most_a_third_of_a_small_class():
    labels = np.repeat([0, 1], [100, 6])
    _, held_out = cut_validation(labels, 25, seed=0)
    assert np.bincount(labels[held_out]).tolist() == [25, 2]


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


def test_a_dataset_without_images_is_refused(tmp_path):
    rows = datasets.Dataset.from_dict({"text": ["a", "b"], "label": ["x", "y"]})
    with pytest.raises(DatasetError, match="no image column"):
        to_photos(rows, "train")


def test_ambiguous_labels_are_refused():
    rows = make_rows(["a", "b"], label="first").add_column("second", ["x", "y"])
    with pytest.raises(DatasetError, match=r"first, second.*--label-column"):
        to_photos(rows, "train")


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
