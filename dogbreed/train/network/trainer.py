"""Fit some layers on cached features, each fit in a folder named after a hash of all its inputs."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dogbreed.train.disk import locked
from dogbreed.train.network.cached import Features
from dogbreed.train.network.tf_data import untuned
from dogbreed.train.resumable import History, compile_classifier, fit_key, fit_resumable

# Features of all photos in one view: an array of shape (N, ...), or what is read like one.
View = np.ndarray | Features
# Rows to train on, and rows to stop early on; None to run all epochs.
Split = tuple[np.ndarray, np.ndarray | None]
# Of layers, in Keras's order.
Weights = Sequence[np.ndarray]


class Trainer:
    """Fits the same layers on the features of the same photos, with one set of options at a time.

    Attributes:
        runs: Folder of the TensorBoard logs of each fit, by its name.
    """

    def __init__(
        self,
        network: keras.Model,
        views: Sequence[View],
        labels: np.ndarray,
        folder: Path,
        *,
        batch_size: int,
        patience: int,
        seed: int,
        verbose: int = 0,
    ):
        """Set what all fits have in common.

        Args:
            network: Network from `fit.layers_above`; its weights change with each fit.
            views: Features of all photos, view by view; validation takes the first view.
            labels: int64 array, the class number of every photo.
            folder: Where the state of each fit is kept; a finished fit is read from there.
            batch_size: Photos in a step.
            patience: Stop after this many epochs without a lower validation cross-entropy.
            seed: Decides the order of the photos.
            verbose: 1 for a bar within each epoch too.
        """
        self._network, self._views, self._labels = network, views, labels
        self._folder, self._verbose = folder, verbose
        self._batch_size, self._patience, self._seed = batch_size, patience, seed
        self._identities = [_identity(view) for view in views]
        self.runs: dict[str, Path] = {}

    def fit(
        self,
        name: str,
        split: Split,
        start: Weights,
        *,
        learning_rate: float,
        l2: float,
        epochs: int,
        stop_after: int | None = None,
    ) -> tuple[list[np.ndarray], History]:
        """Fit with Adam, categorical cross-entropy, and L2 on the head's kernel.

        An epoch shows every photo once, and in as many epochs as there are views each view of it.
        The rate falls to zero along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983):
        at a fixed rate the head ends beside its optimum by more than the choice of L2 moves it.

        Args:
            name: What the fit is called; its folder starts with it.
            split: Rows to train on, and rows to stop early on, or None to run all epochs.
            start: Weights to start from.
            learning_rate: Of Adam, to begin with.
            l2: Weight of the squared kernel in the loss.
            epochs: How many at most, and in how many the rate falls to zero.
            stop_after: Stop after this many of them; None for all.

        Returns:
            The weights of the epoch with the least validation cross-entropy, or of the last one,
            and the metrics of each epoch.
        """
        network, (rows, validation_rows) = self._network, split
        keras.utils.set_random_seed(self._seed)
        network.set_weights(start)
        network.get_layer("predictions").kernel.regularizer = keras.regularizers.L2(l2)
        steps = self._steps(rows)
        falling = keras.optimizers.schedules.CosineDecay(learning_rate, steps * epochs)
        compile_classifier(network, falling)
        stop_after = epochs if stop_after is None else stop_after
        folder = self.folder_of(
            name,
            split,
            start,
            learning_rate=learning_rate,
            l2=l2,
            epochs=epochs,
            stop_after=stop_after,
        )
        self.runs[name] = folder / "logs"
        with locked(folder):
            history = fit_resumable(
                network,
                lambda first_epoch: self._drawn(rows, first_epoch),
                steps_per_epoch=steps,
                validation=None if validation_rows is None else self._in_order(validation_rows),
                epochs=stop_after,
                patience=self._patience,
                folder=folder,
                logs=folder / "logs",
                title=f"Fit {name}",
                verbose=self._verbose,
            )
        return network.get_weights(), history

    def folder_of(self, name: str, split: Split, start: Weights, **options: float) -> Path:
        """Name the folder of a fit after everything that decides its result; see `fit`."""
        described = [self._identities, self._batch_size, self._patience, self._seed, options]
        return self._folder / f"{name}-{fit_key(described, [*split, self._labels, *start])}"

    def _steps(self, rows: np.ndarray) -> int:
        return -(-len(rows) // self._batch_size)

    def _drawn(self, rows: np.ndarray, first_epoch: int) -> tf.data.Dataset:
        return self._dataset(
            lambda: draw_epochs(
                self._views, self._labels, rows, self._batch_size, self._seed, first_epoch
            )
        )

    def _in_order(self, rows: np.ndarray) -> tf.data.Dataset:
        def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            for begin in range(0, len(rows), self._batch_size):
                batch = rows[begin : begin + self._batch_size]
                yield self._views[0][batch], self._labels[batch]

        known = tf.data.experimental.assert_cardinality(self._steps(rows))
        return self._dataset(batches).apply(known)

    def _dataset(self, batches: Callable[[], Iterator]) -> tf.data.Dataset:
        """Make what `keras.Model.fit` takes from a generator of features and labels."""
        num_classes = self._network.output_shape[-1]
        features = tf.TensorSpec(self._network.input_shape, tf.float16)
        signature = (features, tf.TensorSpec((None,), tf.int64))
        dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
        dataset = dataset.map(
            lambda inputs, labels: (tf.cast(inputs, tf.float32), tf.one_hot(labels, num_classes))
        )
        return untuned(dataset.prefetch(2))


def draw_epochs(
    views: Sequence[View],
    labels: np.ndarray,
    rows: np.ndarray,
    batch_size: int,
    seed: int,
    first_epoch: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw batches without end, in an order that seed and epoch decide.

    So a fit that resumes at an epoch sees what it would have seen.

    Yields:
        float16 features of shape (batch_size or less, ...), int64 labels.
    """
    # Photos differ in the view that they begin with, so that each epoch has some of all.
    begin = np.random.default_rng(seed).integers(len(views), size=len(rows))
    for epoch in itertools.count(first_epoch):
        order = np.random.default_rng([seed, epoch]).permutation(len(rows))
        for at in range(0, len(rows), batch_size):
            chosen = order[at : at + batch_size]
            view = (begin[chosen] + epoch) % len(views)
            batch = np.empty((len(chosen), *views[0].shape[1:]), views[0].dtype)
            for number in np.unique(view):
                here = view == number
                batch[here] = views[number][rows[chosen[here]]]
            yield batch, labels[rows[chosen]]


def _identity(view: View) -> str:
    """Identify features by what they were computed from, or, for an array, by its numbers."""
    return view.key if isinstance(view, Features) else hashlib.sha256(view.tobytes()).hexdigest()
