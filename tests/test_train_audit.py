"""Labels that were changed on purpose are found; labels that are right are not accused."""

from pathlib import Path

import numpy as np
import pytest

from dogbreed.train.data.load import load_training_data
from dogbreed.train.data.photos import Photos
from dogbreed.train.measure.audit import audit_labels
from dogbreed.train.network.cached import Features
from dogbreed.train.resumable import Fitted
from tests.helpers.photos import write_photos

FOLDS = 4


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Photos:
    folder = tmp_path_factory.mktemp("data")
    write_photos(folder, {"train/a": 40, "train/b": 40, "train/c": 40, "test/a": 1, "test/b": 1})
    return load_training_data(str(folder)).train


def heads(photos: Photos, wrong: dict[int, int], folder: Path) -> tuple[Fitted, Features]:
    """Features of the true class, and heads that read it; `wrong` are true classes by row."""
    true = photos.labels.copy()
    for row, number in wrong.items():
        true[row] = number
    features = np.eye(3)[true] * 4 + np.random.default_rng(0).normal(size=(len(true), 3)) / 2
    np.save(folder / "0.npy", features.astype(np.float16))
    head = [np.eye(3), np.zeros(3)]
    fitted = Fitted(head, head, [], 1e-4, 0.0, [], {}, [head] * FOLDS, np.arange(len(true)) % FOLDS)
    return fitted, Features([folder / "0.npy"], "features")


def test_labels_that_are_wrong_are_listed_with_what_they_should_be(photos, tmp_path):
    wrong = {3: 1, 50: 2, 90: 0}
    fitted, features = heads(photos, wrong, tmp_path)
    rows = audit_labels(fitted, photos, features, 1.0)
    assert {row["row"]: row["suggested"] for row in rows} == {3: "b", 50: "c", 90: "a"}
    for row in rows:
        assert row["label"] == photos.label_names[photos.labels[row["row"]]]
        assert 0 <= row["of_label"] < 0.5 < row["of_suggested"] <= 1
        assert row["file"].startswith(f"{row['label']}/") and str(tmp_path) not in row["file"]
    assert [row["of_label"] for row in rows] == sorted(row["of_label"] for row in rows)


def test_labels_that_are_right_are_not_listed(photos, tmp_path):
    fitted, features = heads(photos, {}, tmp_path)
    assert audit_labels(fitted, photos, features, 1.0) == []


def test_photos_in_no_fold_are_not_looked_at(photos, tmp_path):
    fitted, features = heads(photos, {3: 1}, tmp_path)
    fitted.fold_of[:] = -1
    assert audit_labels(fitted, photos, features, 1.0) == []
