"""Folders of tiny photos, each different from all others."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import datasets
import numpy as np
from PIL import Image

from dogbreed.images import prepare
from dogbreed.train.data.photos import Photos
from dogbreed.train.network.cached import Features

_number = itertools.count()
# A format that is not read: a box that says which kind of file this is, then something.
JXL = b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100)


def photo() -> Image.Image:
    """A photo of noise, like no other one."""
    noise = np.random.default_rng(next(_number)).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def write_photos(root: Path, counts: Mapping[str, int], suffix: str = ".png") -> Path:
    """Write a folder with so many photos in each of these folders; returns it."""
    for name, count in counts.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            photo().save(folder / f"{index}{suffix}")
    return root


def make_rows(
    labels: list,
    image: str = "image",
    label: str = "label",
    kind: datasets.features.features.FeatureType | None = None,
) -> datasets.Dataset:
    """A split with a photo for each label; labels are text if no `kind` is given."""
    features = {image: datasets.Image(), label: kind or datasets.Value("string")}
    columns = {image: [photo() for _ in labels], label: labels}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


def pixel_features(photos: Photos, folder: Path) -> Features:
    """Pixels for features: those of copies are the same, and noise is unlike any other noise."""
    frames = [prepare(photos.encoded(row), 16, "squash") for row in range(len(photos))]
    folder.mkdir()
    np.save(folder / "0.npy", (np.stack(frames).reshape(len(frames), -1) - 127.5).astype("f2"))
    return Features([folder / "0.npy"], "features")
