"""Backbone features of photos, computed once, cached on disk, resumable after a kill at any moment.

    CACHE/features/<photos>-<backbone>-<size>-<resize>-<boundary>-<precision>/<view>/00000.npy ...

A shard is written beside its place and renamed, so what is there is whole. A photo that cannot be
decoded is a row of NaN.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from dogbreed.bundle import write_beside
from dogbreed.errors import InvalidImageError
from dogbreed.images import prepare
from dogbreed.train.augment import apply_transforms, draw_crop, mirror_transform
from dogbreed.train.backbone import boundary_output
from dogbreed.train.photos import Photos
from dogbreed.train.pipelines import untuned
from dogbreed.train.precision import computing_in

BATCH_SIZE = 32
SHARD_ROWS = 8 * BATCH_SIZE


class Features:
    """Cached features of the photos of one split in one view, memory-mapped.

    Behaves like a float16 array of shape (N, 2048) at the boundary `avg_pool`, (N, 8, 8, 1280) at
    `mixed8`, that is read by row numbers.
    """

    def __init__(self, shards: Sequence[Path]):
        self._shards = [np.load(path, mmap_mode="r") for path in shards]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._shards[0].shape[1:])

    @property
    def dtype(self) -> np.dtype:
        return self._shards[0].dtype

    def __len__(self) -> int:
        return sum(len(shard) for shard in self._shards)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        taken = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for number in np.unique(rows // SHARD_ROWS):
            here = rows // SHARD_ROWS == number
            taken[here] = self._shards[number][rows[here] % SHARD_ROWS]
        return taken

    def undecodable(self) -> np.ndarray:
        """Numbers of the rows whose photo could not be decoded."""
        first = [shard.reshape(len(shard), -1)[:, 0] for shard in self._shards]
        return np.flatnonzero(np.isnan(np.concatenate(first)))


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
    resize: str,
    seed: int,
    cache_dir: Path,
    boundaries: Sequence[str] = ("avg_pool",),
    precision: str = "float32",
) -> dict[str, Features]:
    """Compute what the backbone makes of all photos in one view, or read it from the cache.

    Args:
        backbone: Network from `build_backbone`.
        backbone_fingerprint, photos_fingerprint: What the cache is keyed by.
        view: One of `view_names`.
        resize: How a photo becomes a square, see `dogbreed.images.prepare`.
        seed: Decides the random views, with the number of the photo and of the view.
        cache_dir: Folder of the cache.
        boundaries: Some of `network.BOUNDARIES`; one pass through the network gives all.
        precision: One of `precision.PRECISIONS`, what the network computes in.

    Returns:
        For each boundary the float16 features in the order of the photos.
    """
    size = backbone.input_shape[1]
    key = f"{photos_fingerprint[:16]}-{backbone_fingerprint[:16]}-{size}-{resize}"
    name = f"{view}-seed{seed}" if _random(view) else view
    count = -(-len(photos) // SHARD_ROWS)
    shards = {
        boundary: [
            cache_dir / "features" / f"{key}-{boundary}-{precision}" / name / f"{number:05d}.npy"
            for number in range(count)
        ]
        for boundary in boundaries
    }
    for paths in shards.values():
        paths[0].parent.mkdir(parents=True, exist_ok=True)
    missing = [
        number
        for number in range(count)
        if not all(paths[number].exists() for paths in shards.values())
    ]
    if missing:
        rows = [
            np.arange(number * SHARD_ROWS, min((number + 1) * SHARD_ROWS, len(photos)))
            for number in missing
        ]
        todo = np.concatenate(rows)
        computed = _compute(backbone, photos, todo, view, resize, seed, boundaries)
        progress = tqdm(
            total=len(photos),
            initial=len(photos) - len(todo),
            desc=f"Features of {photos.split}, {view}",
            unit="photo",
            smoothing=0.05,
        )
        with computing_in(precision), progress as bar:
            for number, wanted in zip(missing, map(len, rows), strict=True):
                batches: list[list[np.ndarray]] = []
                while sum(len(batch[0]) for batch in batches) < wanted:
                    batches.append(next(computed))
                    bar.update(len(batches[-1][0]))
                for paths, parts in zip(shards.values(), zip(*batches, strict=True), strict=True):
                    if not paths[number].exists():
                        with write_beside(paths[number]) as file:
                            np.save(file, np.concatenate(parts))
    return {boundary: Features(paths) for boundary, paths in shards.items()}


def _compute(
    backbone: keras.Model,
    photos: Photos,
    rows: np.ndarray,
    view: str,
    resize: str,
    seed: int,
    boundaries: Sequence[str],
) -> Iterator[list[np.ndarray]]:
    """Features of these rows at each boundary, batch by batch; decoding runs beside the network."""
    size = backbone.input_shape[1]
    outputs = {name: boundary_output(backbone, name) for name in boundaries}
    network = keras.Model(backbone.input, outputs)

    def frames() -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
        for row in rows:
            transform = _transform(view, int(row), size, seed)
            try:
                yield prepare(photos.encoded(row), size, resize), transform, True
            except InvalidImageError:
                yield np.zeros((size, size, 3), np.uint8), transform, False

    @tf.function(reduce_retracing=True)
    def forward(images, transforms):
        images = tf.cast(images, tf.float32)
        if view != "plain":
            images = apply_transforms(images, transforms)
        images = keras.applications.inception_v3.preprocess_input(images)
        outputs = network(images, training=False)
        return [tf.cast(outputs[name], tf.float16) for name in boundaries]

    signature = (
        tf.TensorSpec((size, size, 3), tf.uint8),
        tf.TensorSpec((8,), tf.float32),
        tf.TensorSpec((), tf.bool),
    )
    pipeline = tf.data.Dataset.from_generator(frames, output_signature=signature)
    for images, transforms, decoded in untuned(pipeline.batch(BATCH_SIZE).prefetch(2)):
        features = [output.numpy() for output in forward(images, transforms)]
        for output in features:
            output[~decoded.numpy()] = np.nan
        yield features


def _transform(view: str, row: int, size: int, seed: int) -> np.ndarray:
    if _random(view):
        number = int(view.removeprefix("augment-"))
        return draw_crop(np.random.default_rng([seed, number, row]), size)
    return mirror_transform(size)


def _random(view: str) -> bool:
    return view.startswith("augment-")
