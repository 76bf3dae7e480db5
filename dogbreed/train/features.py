"""Backbone features of photos: computed once, cached on disk, resumable after a kill.

    CACHE/features/<photos>-<backbone>-<size>-<resize>-<boundary>-<precision>/<view>/00000.npy ...

A shard is written under another name and then renamed, so a shard that is there is whole. A photo
that cannot be decoded is a row of NaN.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from dogbreed.bundle import write_beside
from dogbreed.errors import InvalidImageError
from dogbreed.train.cached import Features
from dogbreed.train.disk import check_space, locked
from dogbreed.train.photos import Photos
from dogbreed.train.tf_data import untuned
from dogbreed.train.views import MIRROR, PLAIN, draw_view

# Where the frozen part may end: at the pooled features, or below the last two Inception blocks.
BOUNDARIES = ("avg_pool", "mixed8")
BATCH_SIZE = 32
SHARD_ROWS = 8 * BATCH_SIZE

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_BFLOAT16_SWITCH = "auto_mixed_precision_onednn_bfloat16"


class Extractor:
    """Puts photos through the frozen backbone, or reads what an earlier run has cached.

    Attributes:
        fingerprint: Of the weights of the backbone.
    """

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
        self._backbone, self.fingerprint = backbone, fingerprint
        self._size: int = backbone.input_shape[1]
        self._resize, self._seed, self._cache_dir = resize, seed, cache_dir
        # Tracing the network takes as long as hundreds of small photos.
        self._traced: dict[tuple[str, ...], Callable[[tf.Tensor], list[tf.Tensor]]] = {}

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
            view: Name of a view, see `views`.
            boundaries: Some of `BOUNDARIES`; one pass through the network gives all.
            precision: What the network computes in, `float32` or `bfloat16`.

        Returns:
            For each boundary the float16 features in the order of the photos.
        """
        key = f"{fingerprint[:16]}-{self.fingerprint[:16]}-{self._size}-{self._resize}"
        name = view if view in (PLAIN, MIRROR) else f"{view}-seed{self._seed}"
        count = -(-len(photos) // SHARD_ROWS)
        folders = {
            boundary: self._cache_dir / "features" / f"{key}-{boundary}-{precision}" / name
            for boundary in boundaries
        }
        shards = {
            boundary: [folder / f"{number:05d}.npy" for number in range(count)]
            for boundary, folder in folders.items()
        }
        with contextlib.ExitStack() as stack:
            for folder in folders.values():
                stack.enter_context(locked(folder))
            missing = [
                number
                for number in range(count)
                if not all(paths[number].exists() for paths in shards.values())
            ]
            if missing:
                stack.enter_context(_computing_in(precision))
                self._check_space(len(missing) * SHARD_ROWS, boundaries)
                self._compute_shards(photos, view, shards, missing, precision)
        return {
            boundary: Features(paths, f"{folders[boundary].parent.name}/{name}")
            for boundary, paths in shards.items()
        }

    def _check_space(self, photos: int, boundaries: Sequence[str]) -> None:
        """Refuse to compute what does not fit on the disk."""
        values = sum(
            math.prod(size for size in boundary_output(self._backbone, name).shape if size)
            for name in boundaries
        )
        check_space(self._cache_dir, 2 * values * photos, "The features of these photos")

    def _compute_shards(
        self,
        photos: Photos,
        view: str,
        shards: dict[str, list[Path]],
        missing: list[int],
        precision: str,
    ) -> None:
        rows = [
            np.arange(number * SHARD_ROWS, min((number + 1) * SHARD_ROWS, len(photos)))
            for number in missing
        ]
        todo = np.concatenate(rows)
        computed = self._batches(photos, todo, view, list(shards), precision)
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
        self,
        photos: Photos,
        rows: np.ndarray,
        view: str,
        boundaries: list[str],
        precision: str,
    ) -> Iterator[list[np.ndarray]]:
        """Yield the features of these rows at each boundary; decoding overlaps with the network."""
        size, forward = self._size, self._forward(boundaries, precision)

        def frames() -> Iterator[tuple[np.ndarray, bool]]:
            for row in rows:
                try:
                    photo, seed = photos.encoded(row), (self._seed, int(row))
                    yield draw_view(photo, view, size, self._resize, seed), True
                except InvalidImageError:
                    yield np.zeros((size, size, 3), np.uint8), False

        signature = (tf.TensorSpec((size, size, 3), tf.uint8), tf.TensorSpec((), tf.bool))
        pipeline = tf.data.Dataset.from_generator(frames, output_signature=signature)
        for images, decoded in untuned(pipeline.batch(BATCH_SIZE).prefetch(2)):
            features = [output.numpy() for output in forward(images)]
            for output in features:
                output[~decoded.numpy()] = np.nan
            yield features

    def _forward(
        self, boundaries: Sequence[str], precision: str
    ) -> Callable[[tf.Tensor], list[tf.Tensor]]:
        """Return the network from uint8 images to float16 features; it is traced once."""
        key = (precision, *boundaries)
        if key not in self._traced:
            outputs = {name: boundary_output(self._backbone, name) for name in boundaries}
            network = keras.Model(self._backbone.input, outputs)
            images = tf.TensorSpec((None, self._size, self._size, 3), tf.uint8)

            @tf.function(input_signature=[images])
            def forward(images: tf.Tensor) -> list[tf.Tensor]:
                images = tf.cast(images, tf.float32)
                images = keras.applications.inception_v3.preprocess_input(images)
                outputs = network(images, training=False)
                return [tf.cast(outputs[name], tf.float16) for name in boundaries]

            self._traced[key] = forward
        return self._traced[key]


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
