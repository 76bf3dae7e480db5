"""The article's own recipe: augmentation on the fly, every epoch through the whole network."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dogbreed.images import prepare
from dogbreed.train.augment import apply_transforms, draw_transform
from dogbreed.train.fit import Tail, compile_classifier, fit_resumable
from dogbreed.train.options import Options
from dogbreed.train.photos import Photos
from dogbreed.train.pipelines import untuned
from dogbreed.train.stages import Stages

BATCH_SIZE = 32
LEARNING_RATE = 1e-3


def fit_article(
    classifier: keras.Model,
    photos: Photos,
    kept: np.ndarray,
    held_out: np.ndarray,
    options: Options,
    folder: Path,
) -> Stages:
    """Fit the head as the article does: Adam, batches of 32, each photo seen anew each epoch.

    Args:
        classifier: Network from `classifier_network`; its head holds the weights to start from.
        photos: Training photos.
        kept, held_out: Rows of them to train and to validate on, all decodable.
        options: `epochs`, `patience`, `seed`, `resize` are used.
        folder: Where the state is kept; TensorBoard logs go to its `runs`.

    Returns:
        The head of the epoch with the least validation loss.
    """
    keras.utils.set_random_seed(options.seed)
    size, num_classes = classifier.input_shape[1], classifier.output_shape[1]
    for layer in classifier.layers:
        layer.trainable = layer.name == "predictions"
    compile_classifier(classifier, keras.optimizers.Adam(LEARNING_RATE))

    def examples(rows: Iterator[tuple[int, np.ndarray]]) -> Iterator[tuple]:
        for row, transform in rows:
            yield prepare(photos.encoded(row), size, options.resize), transform, photos.labels[row]

    def endless(first_epoch: int) -> Iterator[tuple[int, np.ndarray]]:
        epoch = first_epoch
        while True:
            for row in np.random.default_rng([options.seed, epoch]).permutation(kept):
                rng = np.random.default_rng([options.seed, epoch, row])
                yield int(row), draw_transform(rng, size)
            epoch += 1

    def pipeline(generator, augment: bool) -> tf.data.Dataset:
        def to_inputs(images, transforms, labels):
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
        dataset = tf.data.Dataset.from_generator(generator, output_signature=signature)
        return untuned(dataset.batch(BATCH_SIZE).map(to_inputs).prefetch(2))

    as_they_are = np.zeros(8, np.float32)
    history = fit_resumable(
        classifier,
        lambda first: pipeline(lambda: examples(endless(first)), augment=True),
        steps_per_epoch=-(-len(kept) // BATCH_SIZE),
        validation=pipeline(
            lambda: examples((int(row), as_they_are) for row in held_out), augment=False
        ).apply(tf.data.experimental.assert_cardinality(-(-len(held_out) // BATCH_SIZE))),
        epochs=options.epochs,
        patience=options.patience,
        folder=folder / "article",
        logs=folder / "runs" / "article",
        title="Article's recipe",
        verbose=1,
    )
    head = classifier.get_layer("predictions").get_weights()
    tail = Tail(head, history, LEARNING_RATE, 0.0)
    return Stages(tail, tail, [], [folder / "runs" / "article"])
