"""The article's own recipe: augmentation on the fly, every epoch through the whole network."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dogbreed.images import prepare
from dogbreed.train.data.photos import Photos
from dogbreed.train.network.augment import apply_transforms, draw_transform
from dogbreed.train.network.tf_data import untuned
from dogbreed.train.options import Options
from dogbreed.train.resumable import History, compile_classifier, fit_resumable

BATCH_SIZE = 32
LEARNING_RATE = 1e-3

# A photo's row, and the transform to look at it through.
Drawn = Iterable[tuple[int, np.ndarray]]


def fit_article(
    classifier: keras.Model,
    photos: Photos,
    split: tuple[np.ndarray, np.ndarray],
    options: Options,
    folder: Path,
) -> tuple[list[np.ndarray], History]:
    """Fit the head as the article does: Adam, batches of 32, every epoch with new random views.

    Args:
        classifier: Network from `classifier_network`; its head contains the weights to start from.
        photos: Training photos.
        split: Rows of them to train on and to validate on, all decodable.
        options: `epochs`, `patience`, `seed`, `resize` are used.
        folder: Where the state of this fit and its `logs` are kept.

    Returns:
        Kernel and bias of the epoch with the least validation cross-entropy, and the metrics of
        each epoch.
    """
    keras.utils.set_random_seed(options.seed)
    rows, validation_rows = split
    size, num_classes = classifier.input_shape[1], classifier.output_shape[1]
    for layer in classifier.layers:
        layer.trainable = layer.name == "predictions"
    compile_classifier(classifier, LEARNING_RATE)
    as_it_is = np.zeros(8, np.float32)

    def examples(drawn: Drawn) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        for row, transform in drawn:
            yield prepare(photos.encoded(row), size, options.resize), transform, photos.labels[row]

    history = fit_resumable(
        classifier,
        lambda first: _batches(
            lambda: examples(_draw(rows, first, options.seed, size)), size, num_classes, True
        ),
        steps_per_epoch=-(-len(rows) // BATCH_SIZE),
        validation=_batches(
            lambda: examples((int(row), as_it_is) for row in validation_rows),
            size,
            num_classes,
            False,
        ).apply(tf.data.experimental.assert_cardinality(-(-len(validation_rows) // BATCH_SIZE))),
        epochs=options.epochs,
        patience=options.patience,
        folder=folder,
        logs=folder / "logs",
        title="Fit by the article's recipe",
        verbose=1,
    )
    return classifier.get_layer("predictions").get_weights(), history


def _draw(rows: np.ndarray, first_epoch: int, seed: int, size: int) -> Drawn:
    """Draw photos and views without end, in an order that seed and epoch decide."""
    epoch = first_epoch
    while True:
        for row in np.random.default_rng([seed, epoch]).permutation(rows):
            yield int(row), draw_transform(np.random.default_rng([seed, epoch, row]), size)
        epoch += 1


def _batches(
    examples: Callable[[], Iterator], size: int, num_classes: int, augment: bool
) -> tf.data.Dataset:
    """Make what `keras.Model.fit` takes from a generator of frames, transforms, and labels."""

    def to_inputs(
        images: tf.Tensor, transforms: tf.Tensor, labels: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(images, tf.float32)
        if augment:
            images = apply_transforms(images, transforms)
        images = keras.applications.inception_v3.preprocess_input(images)
        return images, tf.one_hot(labels, num_classes)

    signature = (
        tf.TensorSpec((size, size, 3), tf.uint8),
        tf.TensorSpec((8,), tf.float32),
        tf.TensorSpec((), tf.int64),
    )
    dataset = tf.data.Dataset.from_generator(examples, output_signature=signature)
    return untuned(dataset.batch(BATCH_SIZE).map(to_inputs).prefetch(2))
