"""The columns of any dataset become photos with class numbers, or a clear error."""

import datasets
import numpy as np
import pytest

from dogbreed.errors import DatasetError
from dogbreed.train.data.columns import to_photos
from tests.helpers.photos import make_rows, photo


def test_unlabeled_photos_are_left_out():
    kind = datasets.ClassLabel(names=["cat", "dog"])
    photos = to_photos(make_rows([0, -1, 1, -1], kind=kind), "train")
    assert photos.labels.tolist() == [0, 1]


def test_whole_numbers_keep_their_order():
    photos = to_photos(make_rows([10, 2, 10], kind=datasets.Value("int64")), "train")
    assert photos.label_names == ("2", "10")
    assert photos.labels.tolist() == [1, 0, 1]


def test_a_dataset_without_images_is_refused(tmp_path):
    rows = datasets.Dataset.from_dict({"text": ["a", "b"], "label": ["x", "y"]})
    with pytest.raises(DatasetError, match="no image column"):
        to_photos(rows, "train")


def test_ambiguous_labels_are_refused():
    rows = make_rows(["a", "b"], label="first").add_column("second", ["x", "y"])
    with pytest.raises(DatasetError, match=r"first, second.*--label-column"):
        to_photos(rows, "train")


def test_whole_numbers_are_classes_although_a_cell_is_empty():
    """Which makes floating-point numbers of them."""
    rows = make_rows([10.0, 2.0, None, float("nan"), 10.0], kind=datasets.Value("float64"))
    photos = to_photos(rows, "train")
    assert photos.label_names == ("2", "10") and photos.labels.tolist() == [1, 0, 1]
    assert photos.left_out["without a label"] == ["train row 2", "train row 3"]


def test_numbers_that_are_not_whole_are_not_classes():
    rows = make_rows([0.5, 1.0], kind=datasets.Value("float64"))
    with pytest.raises(DatasetError, match=r"label does not contain classes.*--label-column"):
        to_photos(rows, "train")


def test_an_empty_text_is_not_a_label():
    photos = to_photos(make_rows(["a", "", " ", "b", None]), "train")
    assert photos.label_names == ("a", "b") and photos.labels.tolist() == [0, 1]


def test_the_name_of_a_label_column_may_be_in_capitals():
    rows = make_rows(["a", "b"], label="Breed").add_column("photographer", ["Ann", "Bob"])
    assert to_photos(rows, "train").label_names == ("a", "b")


def test_photos_without_labels_are_refused():
    rows = make_rows(["a", "b"]).select_columns(["image"])
    with pytest.raises(DatasetError, match="no labeled photos"):
        to_photos(rows, "train")


def test_rows_without_a_photo_are_left_out():
    columns = {"image": [photo(), None, photo()], "label": ["a", "b", "a"]}
    kinds = {"image": datasets.Image(), "label": datasets.Value("string")}
    rows = datasets.Dataset.from_dict(columns, datasets.Features(kinds))
    photos = to_photos(rows, "train")
    assert photos.labels.tolist() == [0, 0] and len(photos) == 2
    assert photos.left_out["without a photo"] == ["train row 1"]
    assert np.all([len(photos.encoded(row)) > 100 for row in range(2)])
