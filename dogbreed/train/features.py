"""Backbone features of photos, computed once, cached on disk, resumable after a kill at any moment.

    CACHE/features/<photos>-<backbone>-<size>-<fit>-avg_pool/<view>/00000.npy ...

A shard is written beside its place and renamed, so what is there is whole. A photo that cannot be
decoded is a row of NaN.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from dogbreed.errors import InvalidImageError
from dogbreed.files import write_beside
from dogbreed.images import prepare
from dogbreed.train.augment import apply_transforms, draw_transform, mirror_transform
from dogbreed.train.data import Photos

BATCH_SIZE = 32
SHARD_ROWS = 8 * BATCH_SIZE


class Features:
    """Cached features of the photos of one split in one view, memory-mapped.

    Behaves like a float16 array of shape (N, 2048) that is read by row numbers.
    """

    def __init__(self, shards: Sequence[Path]):
        self._shards = [np.load(path, mmap_mode="r") for path in shards]

    def __len__(self) -> int:
        return sum(len(shard) for shard in self._shards)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        taken = np.empty((len(rows), *self._shards[0].shape[1:]), self._shards[0].dtype)
        for number in np.unique(rows // SHARD_ROWS):
            here = rows // SHARD_ROWS == number
            taken[here] = self._shards[number][rows[here] % SHARD_ROWS]
        return taken

    def undecodable(self) -> np.ndarray:
        """Numbers of the rows whose photo could not be decoded."""
        return np.flatnonzero(np.isnan(np.concatenate([shard[:, 0] for shard in self._shards])))


def view_names(augment_views: int = 0) -> list[str]:
    """The views of each photo: as it is, mirrored, and so many random ones."""
    return ["plain", "mirror", *(f"augment-{number}" for number in range(1, augment_views + 1))]


def extract_features(
    backbone: keras.Model,
    backbone_fingerprint: str,
    photos: Photos,
    photos_fingerprint: str,
    view: str,
    *,
    fit: str,
    seed: int,
    cache_dir: Path,
) -> Features:
    """Compute the pooled features of all photos in one view, or read what the cache holds of them.

    Args:
        backbone: Network from `build_backbone`.
        backbone_fingerprint, photos_fingerprint: What the cache is keyed by.
        view: One of `view_names`.
        fit: How a photo becomes a square, see `dogbreed.images.prepare`.
        seed: Decides the random views, with the number of the photo and of the view.
        cache_dir: Folder of the cache.

    Returns:
        float16 features of shape (N, channels), in the order of the photos.
    """
    size = backbone.input_shape[1]
    key = f"{photos_fingerprint[:16]}-{backbone_fingerprint[:16]}-{size}-{fit}-avg_pool"
    folder = cache_dir / "features" / key / (f"{view}-seed{seed}" if _random(view) else view)
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, len(photos), SHARD_ROWS)
    shards = [folder / f"{number:05d}.npy" for number in range(len(starts))]
    missing = [number for number, path in enumerate(shards) if not path.exists()]
    if missing:
        rows = [
            row
            for number in missing
            for row in range(starts[number], min(starts[number] + SHARD_ROWS, len(photos)))
        ]
        computed = _compute(backbone, photos, rows, view, fit, seed)
        with tqdm(
            total=len(photos),
            initial=len(photos) - len(rows),
            desc=f"Features of {photos.split}, {view}",
            unit="photo",
            smoothing=0.05,
        ) as bar:
            for number in missing:
                wanted = min(SHARD_ROWS, len(photos) - starts[number])
                shard: list[np.ndarray] = []
                while sum(map(len, shard)) < wanted:
                    shard.append(next(computed))
                    bar.update(len(shard[-1]))
                with write_beside(shards[number]) as file:
                    np.save(file, np.concatenate(shard))
    return Features(shards)


def _compute(
    backbone: keras.Model, photos: Photos, rows: list[int], view: str, fit: str, seed: int
) -> Iterator[np.ndarray]:
    """Features of these rows, batch by batch; decoding runs beside the network."""
    size = backbone.input_shape[1]
    pool = keras.layers.GlobalAveragePooling2D()

    def frames() -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
        for row in rows:
            transform = _transform(view, row, size, seed)
            try:
                yield prepare(photos.encoded(row), size, fit), transform, True
            except InvalidImageError:
                yield np.zeros((size, size, 3), np.uint8), transform, False

    @tf.function(reduce_retracing=True)
    def forward(images, transforms):
        images = tf.cast(images, tf.float32)
        if view != "plain":
            images = apply_transforms(images, transforms)
        images = keras.applications.inception_v3.preprocess_input(images)
        return tf.cast(pool(backbone(images, training=False)), tf.float16)

    signature = (
        tf.TensorSpec((size, size, 3), tf.uint8),
        tf.TensorSpec((8,), tf.float32),
        tf.TensorSpec((), tf.bool),
    )
    pipeline = tf.data.Dataset.from_generator(frames, output_signature=signature)
    for images, transforms, decoded in pipeline.batch(BATCH_SIZE).prefetch(2):
        features = forward(images, transforms).numpy()
        features[~decoded.numpy()] = np.nan
        yield features


def _transform(view: str, row: int, size: int, seed: int) -> np.ndarray:
    if _random(view):
        number = int(view.removeprefix("augment-"))
        return draw_transform(np.random.default_rng([seed, number, row]), size)
    return mirror_transform(size)


def _random(view: str) -> bool:
    return view.startswith("augment-")
