"""Fit a network with early stopping, resumable after a kill at any epoch; the head on features."""

import csv
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.keras import TqdmCallback

from dogbreed.files import write_beside

HEAD_BATCH_SIZE = 256

# The loss without the L2 term, so that fits of different weights can be compared.
CROSS_ENTROPY = "cross_entropy"
MONITOR = f"val_{CROSS_ENTROPY}"

# From the number of the first epoch to an endless dataset of batches: epoch after epoch.
Epochs = Callable[[int], tf.data.Dataset]


@dataclass(frozen=True)
class Head:
    """A fitted dense layer and how it came to be.

    Attributes:
        kernel: float32 array of shape (channels, num_classes).
        bias: float32 array of shape (num_classes,).
        history: One dictionary of figures per epoch.
        learning_rate, l2: Options it was fitted with.
    """

    kernel: np.ndarray
    bias: np.ndarray
    history: list[dict]
    learning_rate: float
    l2: float

    @property
    def best_epoch(self) -> int:
        """Number of the epoch, from 1, whose weights these are."""
        losses = [epoch.get(MONITOR) for epoch in self.history]
        return len(losses) if losses[0] is None else int(np.argmin(losses)) + 1

    @property
    def best(self) -> dict:
        """The figures of that epoch."""
        return self.history[self.best_epoch - 1]


def search_head(
    features: np.ndarray,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    *,
    learning_rates: list[float],
    l2: list[float],
    **options,
) -> tuple[Head, list[dict]]:
    """Fit a head for each learning rate and L2 weight; keep the one of least validation loss.

    Args:
        features, labels, validation, options: See `fit_head`; a folder and a log for each fit
            are made under its `folder` and `logs`.

    Returns:
        The best head, and a row of figures for each fit.
    """
    folder, logs = options.pop("folder"), options.pop("logs")
    heads = []
    for rate, weight in itertools.product(learning_rates, l2):
        name = fit_name(rate, weight)
        head = fit_head(
            features,
            labels,
            validation,
            learning_rate=rate,
            l2=weight,
            folder=folder / name,
            logs=logs / name,
            **options,
        )
        heads.append(head)
    rows = [
        {
            "learning_rate": head.learning_rate,
            "l2": head.l2,
            "epochs": head.best_epoch,
            "val_loss": head.best[MONITOR],
            "val_accuracy": head.best["val_accuracy"],
        }
        for head in heads
    ]
    return min(heads, key=lambda head: head.best[MONITOR]), rows


def fit_name(learning_rate: float, l2: float) -> str:
    """What the folders of a fit are called."""
    return f"lr{learning_rate:g}-l2{l2:g}"


def fit_head(
    features: np.ndarray,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray] | None,
    *,
    num_classes: int,
    learning_rate: float,
    l2: float,
    epochs: int,
    patience: int,
    seed: int,
    start: list[np.ndarray] | None = None,
    folder: Path,
    logs: Path,
) -> Head:
    """Fit the dense layer on cached features: Adam, categorical cross-entropy, L2 on the kernel.

    Args:
        features: float array of shape (N, channels).
        labels: int array of shape (N,).
        validation: Features and labels to stop early on, or None to run all epochs.
        num_classes: Number of classes.
        learning_rate: Of Adam.
        l2: Weight of the squared kernel in the loss.
        epochs: How many at most.
        patience: Stop after so many epochs without a lower validation loss.
        seed: Of the start and the order of the photos.
        start: Kernel and bias to start from, None for random ones.
        folder: Where the state of the fit is kept; a finished fit is read from there.
        logs: Folder of the TensorBoard logs.

    Returns:
        The head of the epoch with the least validation loss, or of the last one.
    """
    keras.utils.set_random_seed(seed)
    head = keras.Sequential(
        [
            keras.Input((features.shape[1],)),
            keras.layers.Dense(
                num_classes, name="predictions", kernel_regularizer=keras.regularizers.L2(l2)
            ),
        ]
    )
    if start is not None:
        head.get_layer("predictions").set_weights(start)
    compile_classifier(head, learning_rate)
    inputs = tf.constant(features, tf.float32)
    classes = tf.constant(labels, tf.int64)

    def batches(first_epoch: int) -> tf.data.Dataset:
        return shuffled_rows(len(labels), HEAD_BATCH_SIZE, seed, first_epoch).map(
            lambda rows: (
                tf.gather(inputs, rows),
                tf.one_hot(tf.gather(classes, rows), num_classes),
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    held_out = None
    if validation is not None:
        held_out = (
            tf.constant(validation[0], tf.float32),
            tf.one_hot(validation[1], num_classes),
        )
    history = fit_resumable(
        head,
        batches,
        steps_per_epoch=-(-len(labels) // HEAD_BATCH_SIZE),
        validation=held_out,
        epochs=epochs,
        patience=patience,
        folder=folder,
        logs=logs,
        title=f"Head, learning rate {learning_rate:g}, L2 {l2:g}",
    )
    kernel, bias = head.get_layer("predictions").get_weights()
    return Head(kernel, bias, history, learning_rate, l2)


def compile_classifier(model: keras.Model, learning_rate: float) -> None:
    """Adam on the categorical cross-entropy of logits, as both recipes have it."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[
            "accuracy",
            keras.metrics.CategoricalCrossentropy(CROSS_ENTROPY, from_logits=True),
        ],
    )


def shuffled_rows(count: int, batch_size: int, seed: int, first_epoch: int) -> tf.data.Dataset:
    """Batches of row numbers, every row once an epoch, in an order that (seed, epoch) decides.

    So a fit that resumes at an epoch sees what it would have seen.
    """

    def one_epoch(epoch):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count, dtype=tf.int64), seed=tf.stack([tf.constant(seed, tf.int64), epoch])
        )
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    return tf.data.Dataset.counter(first_epoch).flat_map(one_epoch)


def fit_resumable(
    model: keras.Model,
    batches: Epochs,
    *,
    steps_per_epoch: int,
    validation,
    epochs: int,
    patience: int,
    folder: Path,
    logs: Path,
    title: str,
    verbose: int = 0,
) -> list[dict]:
    """Fit a compiled model; what was done by an earlier, killed call is taken up.

    Args:
        model: Its weights are those of the best epoch afterwards.
        batches: Gives the training batches from an epoch on.
        steps_per_epoch: Batches in an epoch.
        validation: What `keras.Model.fit` takes, or None to run all epochs and keep the last.
        epochs, patience: See `fit_head`.
        folder, logs: See `fit_head`.
        title: What the progress bar over the epochs says.
        verbose: 1 for a bar within each epoch too.

    Returns:
        One dictionary of figures per epoch: `loss`, `accuracy`, `cross_entropy`
        (the loss without L2), and the same of the validation photos with `val_` before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = _State(folder)
    state.restore(model)
    best = folder / "best.weights.h5"
    callbacks = [state, keras.callbacks.TensorBoard(str(logs), write_graph=False)]
    if validation is not None:
        stopping = _EarlyStopping(state.history, patience)
        if stopping.has_stopped():
            model.load_weights(best)
            return state.history
        least = min((epoch[MONITOR] for epoch in state.history), default=None)
        # Before the state, so that a state never speaks of a best epoch that is not on disk.
        callbacks.insert(
            0,
            keras.callbacks.ModelCheckpoint(
                str(best),
                monitor=MONITOR,
                mode="min",
                save_best_only=True,
                save_weights_only=True,
                initial_value_threshold=least,
            ),
        )
        callbacks.append(stopping)
    done = len(state.history)
    if done < epochs:
        callbacks.append(TqdmCallback(desc=title, verbose=verbose, initial=done))
        model.fit(
            batches(done),
            initial_epoch=done,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            validation_data=validation,
            callbacks=callbacks,
            verbose=0,
        )
    if validation is not None:
        model.load_weights(best)
    return state.history


def write_history(path: Path, history: list[dict]) -> None:
    """Write the figures of each epoch as CSV, epochs counted from 1."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["epoch", *history[0]], lineterminator="\n")
        writer.writeheader()
        for number, figures in enumerate(history, 1):
            writer.writerow({"epoch": number, **figures})


class _State(keras.callbacks.Callback):
    """Keeps weights, optimizer state and history of the last epoch.

    Keras's BackupAndRestore forgets what early stopping has seen; here the history is the state.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self._folder = folder
        self._file = folder / "history.json"
        self.history = json.loads(self._file.read_text()) if self._file.exists() else []

    def restore(self, model: keras.Model) -> None:
        if self.history:
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self._weights(len(self.history)))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.history.append({name: float(value) for name, value in (logs or {}).items()})
        self.model.save_weights(self._weights(epoch + 1), overwrite=True)
        with write_beside(self._file) as file:
            file.write(json.dumps(self.history).encode())
        self._weights(epoch).unlink(missing_ok=True)

    def _weights(self, epochs: int) -> Path:
        return self._folder / f"epoch{epochs}.weights.h5"


class _EarlyStopping(keras.callbacks.EarlyStopping):
    """Early stopping on the validation loss that knows the epochs before a kill."""

    def __init__(self, history: list[dict], patience: int):
        super().__init__(monitor=MONITOR, mode="min", patience=patience)
        self._past = list(history)

    def has_stopped(self) -> bool:
        losses = [epoch[MONITOR] for epoch in self._past]
        return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= self.patience

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        for epoch, figures in enumerate(self._past):
            self.on_epoch_end(epoch, figures)
