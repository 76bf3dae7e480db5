"""The frozen part of the network: from encoded photos to features, batch by batch."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dogbreed.errors import InvalidImageError
from dogbreed.train.network.tf_data import untuned
from dogbreed.train.network.views import draw_view

# Where the frozen part may end: at the pooled features, or below the last two Inception blocks.
BOUNDARIES = ("avg_pool", "mixed8")
BATCH_SIZE = 32

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_BFLOAT16_SWITCH = "auto_mixed_precision_onednn_bfloat16"


@dataclass(frozen=True)
class Wanted:
    """What features of photos are wanted.

    Attributes:
        view: Name of a view, see `views`.
        boundaries: Some of `BOUNDARIES`; one pass through the network gives all.
        precision: What the network computes in, `float32` or `bfloat16`.
    """

    view: str
    boundaries: tuple[str, ...]
    precision: str


class FrozenPart:
    """Computes features of photos; each network is traced once.

    Attributes:
        backbone: The network that they are computed with.
        fingerprint: Of its weights, see `backbone.weights_fingerprint`.
        size: Side of its input in pixels.
        resize: How a photo becomes a square, see `dogbreed.images.prepare`.
        seed: Decides the random views, with the number of the photo and of the view.
    """

    def __init__(self, backbone: keras.Model, fingerprint: str, resize: str, seed: int):
        """Set what all photos have in common; see the attributes."""
        self.backbone, self.fingerprint = backbone, fingerprint
        self.resize, self.seed = resize, seed
        self.size: int = backbone.input_shape[1]
        # Tracing the network takes as long as hundreds of small photos.
        self._traced: dict[tuple[str, ...], Callable[[tf.Tensor], list[tf.Tensor]]] = {}

    def batches(
        self, photos: Iterable[tuple[int, bytes | str]], wanted: Wanted
    ) -> Generator[list[np.ndarray]]:
        """Yield the features of these photos; decoding overlaps with the network.

        Args:
            photos: The row of each, and its file.
            wanted: What is computed of them.

        Yields:
            For `BATCH_SIZE` photos at a time the float16 features at each boundary, NaN for a photo
            that cannot be decoded.
        """
        size, forward = self.size, self._forward(wanted)

        def frames() -> Iterator[tuple[np.ndarray, bool]]:
            for row, photo in photos:
                seed = (self.seed, int(row))
                try:
                    yield draw_view(photo, wanted.view, size, self.resize, seed), True
                except InvalidImageError:
                    yield np.zeros((size, size, 3), np.uint8), False

        signature = (tf.TensorSpec((size, size, 3), tf.uint8), tf.TensorSpec((), tf.bool))
        pipeline = tf.data.Dataset.from_generator(frames, output_signature=signature)
        with _computing_in(wanted.precision):
            for images, decoded in untuned(pipeline.batch(BATCH_SIZE).prefetch(2)):
                features = [output.numpy() for output in forward(images)]
                for output in features:
                    output[~decoded.numpy()] = np.nan
                yield features

    def _forward(self, wanted: Wanted) -> Callable[[tf.Tensor], list[tf.Tensor]]:
        """Return the network from uint8 images to float16 features; it is traced once."""
        boundaries = wanted.boundaries
        key = (wanted.precision, *boundaries)
        if key not in self._traced:
            outputs = {name: boundary_output(self.backbone, name) for name in boundaries}
            network = keras.Model(self.backbone.input, outputs)
            images = tf.TensorSpec((None, self.size, self.size, 3), tf.uint8)

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
