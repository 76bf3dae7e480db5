"""Backbone features of photos: computed once, cached on disk, resumable after a kill.

    CACHE/features/<photos>-<backbone>-<size>-<resize>-<boundary>-<precision>/<view>/00000.npy ...

A shard is written under another name and then renamed, so a shard that is there is whole. A photo
that cannot be decoded is a row of NaN.
"""

import contextlib
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
from dogbreed.train.photos import Photos

# Where the frozen part may end: at the pooled features, or below the last two Inception blocks.
BOUNDARIES = ("avg_pool", "mixed8")
BATCH_SIZE = 32
SHARD_ROWS = 8 * BATCH_SIZE

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_BFLOAT16_SWITCH = "auto_mixed_precision_onednn_bfloat16"


class Features:
    """Cached features of the photos of one split in one view.

    Behaves like a float16 array of shape (N, 2048) at the boundary `avg_pool`, (N, 8, 8, 1280) at
    `mixed8`, that is read by row numbers. A shard is open only while it is read, since a large
    dataset has more of them than a process may have open files.

    Attributes:
        key: What they were computed from.
    """

    def __init__(self, shards: Sequence[Path], key: str):
        self.key = key
        self._shards = shards
        self._loaded: np.ndarray | None = None
        first, last = self._open(0), self._open(-1)
        self.shape = ((len(shards) - 1) * len(first) + len(last), *first.shape[1:])
        self.dtype = first.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        if self._loaded is not None:
            return self._loaded[rows]
        taken = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for number in np.unique(rows // SHARD_ROWS):
            here = rows // SHARD_ROWS == number
            taken[here] = self._open(number)[rows[here] % SHARD_ROWS]
        return taken

    def in_memory(self) -> "Features":
        """Return the same features, read once."""
        loaded = Features(self._shards, self.key)
        loaded._loaded = self[np.arange(len(self))]
        return loaded

    def decodable(self) -> np.ndarray:
        """Return the numbers of the rows whose photo could be decoded."""
        first = [
            self._open(number).reshape(-1, int(np.prod(self.shape[1:])))[:, 0].copy()
            for number in range(len(self._shards))
        ]
        return np.flatnonzero(~np.isnan(np.concatenate(first)))

    def _open(self, number: int) -> np.ndarray:
        return np.load(self._shards[number], mmap_mode="r")


class Extractor:
    """Puts photos through the frozen backbone, or reads what an earlier run has cached."""

    def __init__(
        self,
        backbone: keras.Model,
        fingerprint: str,
        *,
        resize: str,
        seed: int,
        cache_dir: Path,
    ):
        """Set what all photos have in common.

        Args:
            backbone: Network from `build_backbone`.
            fingerprint: Of its weights, see `backbone.weights_fingerprint`.
            resize: How a photo becomes a square, see `dogbreed.images.prepare`.
            seed: Decides the random views, with the number of the photo and of the view.
            cache_dir: Folder of the cache.
        """
        self._backbone, self._fingerprint = backbone, fingerprint
        self._size: int = backbone.input_shape[1]
        self._resize, self._seed, self._cache_dir = resize, seed, cache_dir

    def extract(
        self,
        photos: Photos,
        fingerprint: str,
        view: str,
        boundaries: Sequence[str] = ("avg_pool",),
        precision: str = "float32",
    ) -> dict[str, Features]:
        """Compute the features of all photos in one view, as far as they are not cached.

        Args:
            photos: The photos of one split.
            fingerprint: Of the photos, see `Photos.fingerprint`.
            view: One of `view_names`.
            boundaries: Some of `BOUNDARIES`; one pass through the network gives all.
            precision: What the network computes in, `float32` or `bfloat16`.

        Returns:
            For each boundary the float16 features in the order of the photos.
        """
        key = f"{fingerprint[:16]}-{self._fingerprint[:16]}-{self._size}-{self._resize}"
        name = f"{view}-seed{self._seed}" if _is_random(view) else view
        count = -(-len(photos) // SHARD_ROWS)
        folders = {
            boundary: self._cache_dir / "features" / f"{key}-{boundary}-{precision}" / name
            for boundary in boundaries
        }
        shards = {
            boundary: [folder / f"{number:05d}.npy" for number in range(count)]
            for boundary, folder in folders.items()
        }
        missing = [
            number
            for number in range(count)
            if not all(paths[number].exists() for paths in shards.values())
        ]
        if missing:
            with _computing_in(precision):
                self._compute_shards(photos, view, shards, missing)
        return {
            boundary: Features(paths, f"{folders[boundary].parent.name}/{name}")
            for boundary, paths in shards.items()
        }

    def _compute_shards(
        self, photos: Photos, view: str, shards: dict[str, list[Path]], missing: list[int]
    ) -> None:
        for paths in shards.values():
            paths[0].parent.mkdir(parents=True, exist_ok=True)
        rows = [
            np.arange(number * SHARD_ROWS, min((number + 1) * SHARD_ROWS, len(photos)))
            for number in missing
        ]
        todo = np.concatenate(rows)
        computed = self._batches(photos, todo, view, list(shards))
        progress = tqdm(
            total=len(photos),
            initial=len(photos) - len(todo),
            desc=f"Features of {photos.split}, {view}",
            unit="photo",
            smoothing=0.05,
        )
        with progress as bar:
            for number, wanted in zip(missing, map(len, rows), strict=True):
                batches: list[list[np.ndarray]] = []
                while sum(len(batch[0]) for batch in batches) < wanted:
                    batches.append(next(computed))
                    bar.update(len(batches[-1][0]))
                for paths, parts in zip(shards.values(), zip(*batches, strict=True), strict=True):
                    if not paths[number].exists():
                        with write_beside(paths[number]) as file:
                            np.save(file, np.concatenate(parts))

    def _batches(
        self, photos: Photos, rows: np.ndarray, view: str, boundaries: list[str]
    ) -> Iterator[list[np.ndarray]]:
        """Yield the features of these rows at each boundary; decoding overlaps with the network."""
        size = self._size
        outputs = {name: boundary_output(self._backbone, name) for name in boundaries}
        network = keras.Model(self._backbone.input, outputs)

        def frames() -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
            for row in rows:
                transform = _transform(view, int(row), size, self._seed)
                try:
                    yield prepare(photos.encoded(row), size, self._resize), transform, True
                except InvalidImageError:
                    yield np.zeros((size, size, 3), np.uint8), transform, False

        @tf.function(reduce_retracing=True)
        def forward(images: tf.Tensor, transforms: tf.Tensor) -> list[tf.Tensor]:
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


def view_names(augment_views: int = 0) -> list[str]:
    """List the views of each photo: as it is, mirrored, and this many random ones."""
    return ["plain", "mirror", *(f"augment-{number}" for number in range(1, augment_views + 1))]


def boundary_output(backbone: keras.Model, boundary: str) -> keras.KerasTensor:
    """Return the output of the frozen part: (N, 2048), or (N, 8, 8, 1280) at `mixed8`."""
    if boundary == "avg_pool":
        return keras.layers.GlobalAveragePooling2D()(backbone.output)
    return backbone.get_layer(boundary).output


def best_precision() -> str:
    """Return `bfloat16` on a processor that multiplies in it, which takes half the time."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return "float32" if _BFLOAT16_FLAGS.isdisjoint(flags) else "bfloat16"


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return the same dataset without TensorFlow's tuning of how it runs.

    The tuner sleeps for 10 ms, then twice as long each time, up to a minute, and whoever ends the
    pipeline waits until it wakes. No pipeline here has a number of threads to tune.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


@contextlib.contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    """Let TensorFlow's graphs compute in this precision; weights and results stay float32.

    The graph optimizer inserts the casts (TensorFlow's auto mixed precision for oneDNN).
    """
    tf.config.optimizer.set_experimental_options({_BFLOAT16_SWITCH: precision == "bfloat16"})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_BFLOAT16_SWITCH: False})


def _transform(view: str, row: int, size: int, seed: int) -> np.ndarray:
    if _is_random(view):
        number = int(view.removeprefix("augment-"))
        return draw_crop(np.random.default_rng([seed, number, row]), size)
    return mirror_transform(size)


def _is_random(view: str) -> bool:
    return view.startswith("augment-")
