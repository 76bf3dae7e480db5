"""The article's own recipe: augmentation on the fly, every epoch through the whole network."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from dogbreed.errors import InvalidImageError
from dogbreed.images import prepare
from dogbreed.train.augment import apply_transforms, draw_transform
from dogbreed.train.data import Photos, cut_validation
from dogbreed.train.fit import Head, compile_classifier, fit_resumable
from dogbreed.train.network import classifier_network
from dogbreed.train.options import Options

BATCH_SIZE = 32
LEARNING_RATE = 1e-3


def fit_article(
    backbone: keras.Model,
    photos: Photos,
    options: Options,
    start: list[np.ndarray] | None,
    folder: Path,
) -> Head:
    """Fit the head as the article does: Adam, batches of 32, each photo seen anew each epoch.

    Args:
        backbone: Network from `build_backbone`, frozen.
        photos: Training photos, all decodable; validation is cut from them.
        options: `epochs`, `patience`, `seed`, `fit`, `validation_per_class` are used.
        start: Kernel and bias of the head to start from, None for random ones.
        folder: Where the state is kept; TensorBoard logs go to its `runs`.

    Returns:
        The head of the epoch with the least validation loss.
    """
    keras.utils.set_random_seed(options.seed)
    size, num_classes = backbone.input_shape[1], len(photos.label_names)
    kept, held_out = cut_validation(photos.labels, options.validation_per_class, options.seed)
    model = classifier_network(backbone, num_classes)
    if start is not None:
        model.get_layer("predictions").set_weights(start)
    compile_classifier(model, LEARNING_RATE)

    def examples(rows: Iterator[tuple[int, np.ndarray]]) -> Iterator[tuple]:
        for row, transform in rows:
            yield prepare(photos.encoded(row), size, options.fit), transform, photos.labels[row]

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
        return dataset.batch(BATCH_SIZE).map(to_inputs).prefetch(2)

    as_they_are = np.zeros(8, np.float32)
    history = fit_resumable(
        model,
        lambda first: pipeline(lambda: examples(endless(first)), augment=True),
        steps_per_epoch=-(-len(kept) // BATCH_SIZE),
        validation=pipeline(
            lambda: examples((int(row), as_they_are) for row in held_out), augment=False
        ),
        epochs=options.epochs,
        patience=options.patience,
        folder=folder / "article",
        logs=folder / "runs" / "article",
        title="Article's recipe",
        verbose=1,
    )
    kernel, bias = model.get_layer("predictions").get_weights()
    return Head(kernel, bias, history, LEARNING_RATE, 0.0)


def find_undecodable(photos: Photos) -> np.ndarray:
    """Numbers of the photos that cannot be decoded."""
    bad = []
    for row in tqdm(range(len(photos)), desc=f"Checking {photos.split}", unit="photo"):
        try:
            prepare(photos.encoded(row), 8)
        except InvalidImageError:
            bad.append(row)
    return np.array(bad, dtype=np.int64)
