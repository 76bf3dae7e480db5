"""Copies of a photo are found however they were saved, and other photos are not taken for them."""

import io

import datasets
import numpy as np
import pytest
from PIL import Image

from dogbreed.train.data.columns import to_photos
from dogbreed.train.data.duplicates import find_duplicates, group_rows
from dogbreed.train.data.photos import Photos
from dogbreed.train.network.cached import Features
from tests.helpers.shapes import draw_shape


def encode(photo: Image.Image, kind: str = "PNG", **options: object) -> dict:
    file = io.BytesIO()
    photo.save(file, kind, **options)
    return {"bytes": file.getvalue(), "path": None}


def seen(cells: list[dict], features: np.ndarray, folder) -> tuple[Photos, Features, np.ndarray]:
    """Photos with the features that the backbone is said to have given them."""
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    columns = {"image": cells, "label": ["a", "b"] * (len(cells) // 2) + ["a"] * (len(cells) % 2)}
    photos = to_photos(datasets.Dataset.from_dict(columns, features=kinds), "train")
    folder.mkdir()
    np.save(folder / "0.npy", features.astype(np.float16))
    return photos, Features([folder / "0.npy"], "features"), np.arange(len(cells))


@pytest.fixture
def original() -> Image.Image:
    return draw_shape(0, 1).resize((300, 200))


def test_copies_are_found_by_how_they_look(original, tmp_path):
    copies = [
        encode(original, "JPEG", quality=20),
        encode(original.resize((150, 100)), "JPEG", quality=85),
        encode(original.resize((224, 224))),
        encode(original.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    ]
    others = [encode(draw_shape(0, seed)) for seed in range(50, 53)]
    rng = np.random.default_rng(0)
    one = rng.normal(size=32)
    close = one + rng.normal(size=(7, 32)) * 0.1
    train = seen([encode(original)], one[None], tmp_path / "train")
    test = seen([*copies, *others], close, tmp_path / "test")
    assert find_duplicates(test, train) == [(0, 0), (1, 0), (2, 0), (3, 0)]


def test_photos_whose_features_differ_are_not_compared(original, tmp_path):
    features = np.eye(2, 8)
    both = seen([encode(original), encode(original)], features, tmp_path / "both")
    assert find_duplicates(both) == []


def test_a_pair_of_the_same_photos_is_found_once(original, tmp_path):
    cells = [encode(draw_shape(1, 1)), encode(original), encode(draw_shape(2, 2)), encode(original)]
    pairs = find_duplicates(seen(cells, np.ones((4, 8)), tmp_path / "photos"))
    assert pairs == [(1, 3)]
    assert len(set(group_rows(4, pairs))) == 3


def test_photos_that_look_alike_to_the_backbone_only_are_not_duplicates(tmp_path):
    """As photos unlike those of ImageNet do, of which all have about the same features."""
    cells = [encode(draw_shape(label, seed)) for label in range(3) for seed in range(12)]
    assert find_duplicates(seen(cells, np.ones((36, 8)), tmp_path / "photos")) == []


def test_photos_that_cannot_be_decoded_are_left_alone(original, tmp_path):
    photos, features, _ = seen([encode(original)] * 3, np.ones((3, 8)), tmp_path / "photos")
    assert find_duplicates((photos, features, np.array([0, 2]))) == [(0, 2)]


def test_what_looks_like_the_same_is_one_group():
    groups = group_rows(6, [(0, 2), (2, 5), (3, 4)])
    assert groups[0] == groups[2] == groups[5] != groups[1]
    assert groups[3] == groups[4] not in (groups[0], groups[1])
    assert len(set(group_rows(4, []))) == 4
