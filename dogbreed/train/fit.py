"""Fit what is above the boundary: early stopping, resumable after a kill at any epoch."""

import csv
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.keras import TqdmCallback

from dogbreed.bundle import write_beside
from dogbreed.train.features import Features
from dogbreed.train.pipelines import untuned
from dogbreed.train.precision import computing_in

# The loss without the L2 term, so that fits of different weights can be compared.
CROSS_ENTROPY = "cross_entropy"
MONITOR = f"val_{CROSS_ENTROPY}"

# From the number of the first epoch to an endless dataset of batches: epoch after epoch.
Epochs = Callable[[int], tf.data.Dataset]


@dataclass(frozen=True)
class Examples:
    """Photos as the frozen part gives them, in one or several views.

    Attributes:
        views: float arrays of shape (N, ...), or what is read like them.
        rows: int64 array, the photos of the views to take.
        labels: int64 array, the class number of each of `rows`.
    """

    views: Sequence[np.ndarray | Features]
    rows: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Tail:
    """The fitted layers above the boundary and how they came to be.

    Attributes:
        weights: Of all these layers in Keras's order; the head's kernel of shape
            (channels, num_classes) and bias are the last two.
        history: One dictionary of figures per epoch.
        learning_rate, l2: Options they were fitted with.
    """

    weights: list[np.ndarray]
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


def search_tail(
    network: keras.Model,
    examples: Examples,
    validation: Examples,
    *,
    learning_rates: list[float],
    l2: list[float],
    folder: Path,
    logs: Path,
    **options,
) -> tuple[Tail, list[dict]]:
    """Fit for each learning rate and L2 weight; keep the tail of least validation loss.

    Args:
        network, examples, validation, options: See `fit_tail`.
        folder, logs: Where a folder and a log for each fit are made.

    Returns:
        The best tail, and a row of figures for each fit.
    """
    tails = []
    for rate, weight in itertools.product(learning_rates, l2):
        name = fit_name(rate, weight)
        tail = fit_tail(
            network,
            examples,
            validation,
            learning_rate=rate,
            l2=weight,
            folder=folder / name,
            logs=logs / name,
            **options,
        )
        tails.append(tail)
    rows = [
        {
            "learning_rate": tail.learning_rate,
            "l2": tail.l2,
            "epochs": tail.best_epoch,
            "val_loss": tail.best[MONITOR],
            "val_accuracy": tail.best["val_accuracy"],
        }
        for tail in tails
    ]
    return min(tails, key=lambda tail: tail.best[MONITOR]), rows


def fit_name(learning_rate: float, l2: float) -> str:
    """What the folders of a fit are called."""
    return f"lr{learning_rate:g}-l2{l2:g}"


def fit_tail(
    network: keras.Model,
    examples: Examples,
    validation: Examples | None,
    *,
    learning_rate: float,
    l2: float,
    epochs: int,
    patience: int,
    seed: int,
    start: Sequence[np.ndarray],
    batch_size: int,
    ema: float | None = None,
    precision: str = "float32",
    verbose: int = 0,
    folder: Path,
    logs: Path,
) -> Tail:
    """Fit on cached features: Adam, categorical cross-entropy, L2 on the head's kernel.

    An epoch shows every photo once, and in as many epochs as there are views each view of it.

    Args:
        network: Network from `tail_network`; what it holds afterwards is not to be relied upon.
        examples: What to fit on.
        validation: What to stop early on, or None to run all epochs.
        learning_rate: Of Adam.
        l2: Weight of the squared kernel in the loss.
        epochs: How many at most.
        patience: Stop after so many epochs without a lower validation loss.
        seed: Of the order of the photos.
        start: Weights to start from, as `Tail.weights`.
        batch_size: Photos in a step.
        ema: Momentum of the average over time of the weights (Polyak and Juditsky 1992), which is
            then what is evaluated and kept; None for the weights themselves.
        precision: One of `precision.PRECISIONS`, what the layers compute in.
        verbose: 1 for a bar within each epoch too.
        folder: Where the state of the fit is kept; a finished fit is read from there.
        logs: Folder of the TensorBoard logs.

    Returns:
        The tail of the epoch with the least validation loss, or of the last one.
    """
    keras.utils.set_random_seed(seed)
    network.set_weights(start)
    num_classes = network.output_shape[-1]
    network.get_layer("predictions").kernel.regularizer = keras.regularizers.L2(l2)
    compile_classifier(network, keras.optimizers.Adam(learning_rate, **_averaging(ema)))

    def batches(first_epoch: int) -> tf.data.Dataset:
        drawn = lambda: draw_epochs(examples, batch_size, seed, first_epoch)  # noqa: E731
        return _as_dataset(drawn, network, num_classes)

    def in_order() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for begin in range(0, len(validation.rows), batch_size):
            rows = validation.rows[begin : begin + batch_size]
            yield validation.views[0][rows], validation.labels[begin : begin + batch_size]

    with computing_in(precision):
        history = fit_resumable(
            network,
            batches,
            steps_per_epoch=-(-len(examples.rows) // batch_size),
            validation=validation
            and _as_dataset(in_order, network, num_classes).apply(
                tf.data.experimental.assert_cardinality(-(-len(validation.rows) // batch_size))
            ),
            epochs=epochs,
            patience=patience,
            folder=folder,
            logs=logs,
            title=f"Learning rate {learning_rate:g}, L2 {l2:g}",
            averaged=ema is not None,
            verbose=verbose,
        )
    return Tail(network.get_weights(), history, learning_rate, l2)


def draw_epochs(
    examples: Examples, batch_size: int, seed: int, first_epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches without end, in an order that (seed, epoch) decides.

    So a fit that resumes at an epoch sees what it would have seen.

    Yields:
        float16 features of shape (batch_size or less, ...), int64 labels.
    """
    count, views = len(examples.rows), len(examples.views)
    # Photos differ in the view that they begin with, so that each epoch has some of all.
    begin = np.random.default_rng(seed).integers(views, size=count)
    for epoch in itertools.count(first_epoch):
        order = np.random.default_rng([seed, epoch]).permutation(count)
        for at in range(0, count, batch_size):
            chosen = order[at : at + batch_size]
            view = (begin[chosen] + epoch) % views
            first = examples.views[0]
            batch = np.empty((len(chosen), *first.shape[1:]), first.dtype)
            for number in np.unique(view):
                here = view == number
                batch[here] = examples.views[number][examples.rows[chosen[here]]]
            yield batch, examples.labels[chosen]


def compile_classifier(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Categorical cross-entropy of logits, as both recipes have it."""
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[
            "accuracy",
            keras.metrics.CategoricalCrossentropy(CROSS_ENTROPY, from_logits=True),
        ],
    )


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
    averaged: bool = False,
    verbose: int = 0,
) -> list[dict]:
    """Fit a compiled model; what was done by an earlier, killed call is taken up.

    Args:
        model: Its weights are those of the best epoch afterwards.
        batches: Gives the training batches from an epoch on.
        steps_per_epoch: Batches in an epoch.
        validation: What `keras.Model.fit` takes, or None to run all epochs and keep the last.
        epochs, patience: See `fit_tail`.
        folder, logs: See `fit_tail`.
        title: What the progress bar over the epochs says.
        averaged: The optimizer averages the weights over time; they are what is evaluated and kept.
        verbose: 1 for a bar within each epoch too.

    Returns:
        One dictionary of figures per epoch: `loss`, `accuracy`, `cross_entropy`
        (the loss without L2), and the same of the validation photos with `val_` before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = _State(folder)
    state.restore(model)
    done = len(state.history)
    best = folder / "best.weights.h5"
    # The state comes after the best epoch, so that it never speaks of one that is not on disk.
    callbacks = [state, keras.callbacks.TensorBoard(str(logs), write_graph=False)]
    if validation is not None:
        stopping = _EarlyStopping(state.history, patience)
        if stopping.has_stopped():
            model.load_weights(best)
            return state.history
        least = min((epoch[MONITOR] for epoch in state.history), default=None)
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
    if averaged:
        callbacks.insert(0, _Averaged(swapped=done > 0))
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


def _averaging(ema: float | None) -> dict:
    return {} if ema is None else {"use_ema": True, "ema_momentum": ema}


def _as_dataset(batches: Callable, network: keras.Model, num_classes: int) -> tf.data.Dataset:
    """What `keras.Model.fit` takes from a generator of features and labels."""
    features = tf.TensorSpec(network.input_shape, tf.float16)
    signature = (features, tf.TensorSpec((None,), tf.int64))
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    dataset = dataset.map(
        lambda inputs, labels: (tf.cast(inputs, tf.float32), tf.one_hot(labels, num_classes))
    )
    return untuned(dataset.prefetch(2))


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


class _Averaged(keras.callbacks.SwapEMAWeights):
    """Puts the averaged weights into the model between epochs; knows of the epochs before a kill.

    The state of an epoch is written with the averaged weights in the model.
    """

    def __init__(self, swapped: bool):
        super().__init__(swap_on_epoch=True)
        self._ema_weights_in_model = swapped


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
