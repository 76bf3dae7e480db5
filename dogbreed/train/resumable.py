"""A Keras fit with early stopping that a kill at any moment does not set back."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.keras import TqdmCallback

from dogbreed.bundle import write_beside

# The loss without the L2 term, so that fits of different weights can be compared.
CROSS_ENTROPY = "cross_entropy"
MONITOR = f"val_{CROSS_ENTROPY}"

# From the number of the first epoch to an endless dataset of batches: epoch after epoch.
Epochs = Callable[[int], tf.data.Dataset]
# The metrics of each epoch.
History = list[dict[str, float]]


def fit_key(described: object, arrays: Iterable[np.ndarray | None]) -> str:
    """Hash everything that decides the result of a fit, to name its folder.

    Args:
        described: What JSON can express: options, and what the photos were computed from.
        arrays: The rest, such as rows, labels, and the weights to start from.
    """
    total = hashlib.sha256(json.dumps([keras.__version__, described]).encode())
    for array in arrays:
        # Else the end of one array could be the beginning of the next.
        total.update(b"none" if array is None else f"{array.dtype} {array.shape}".encode())
        total.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


def best_epoch(history: History) -> int:
    """Return the number of the epoch, from 1, whose weights a fit keeps.

    That is the epoch of least validation cross-entropy, or the last one without validation.
    """
    if MONITOR not in history[0]:
        return len(history)
    return int(np.argmin([epoch[MONITOR] for epoch in history])) + 1


@dataclass(frozen=True)
class Fitted:
    """The fitted layers above the frozen part, and how they came to be.

    Attributes:
        weights: Of all these layers in Keras's order, to be served; the head's kernel of shape
            (channels, num_classes) and its bias are the last two.
        searched: The same, fitted without the validation photos.
        history: The metrics of each epoch of the fit that gave `searched`.
        learning_rate, l2: What both were fitted with.
        search: A row of metrics for each fit of the search.
        runs: Folders of TensorBoard logs, by name.
        folds: Heads (kernel and bias) that were each fitted without one fold of the photos; empty
            if the recipe makes none.
        fold_of: int64 array, the fold of each photo, -1 for those in none.
    """

    weights: list[np.ndarray]
    searched: list[np.ndarray]
    history: History
    learning_rate: float
    l2: float
    search: list[dict]
    runs: dict[str, Path]
    folds: list[list[np.ndarray]] = field(default_factory=list)
    fold_of: np.ndarray = field(default_factory=lambda: np.empty(0, int))

    @property
    def best_epoch(self) -> int:
        """Number of the epoch, from 1, whose weights are `searched`."""
        return best_epoch(self.history)

    @property
    def best(self) -> dict[str, float]:
        """The metrics of that epoch."""
        return self.history[self.best_epoch - 1]

    def validation_metrics(self) -> dict[str, float]:
        """Return `top_1` and `cross_entropy` of `searched` on the validation photos."""
        return {"top_1": self.best["val_accuracy"], "cross_entropy": self.best[MONITOR]}


def compile_classifier(
    model: keras.Model, learning_rate: float | keras.optimizers.schedules.LearningRateSchedule
) -> None:
    """Compile with Adam and the categorical cross-entropy of logits, as both recipes do."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
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
    validation: tf.data.Dataset | None,
    epochs: int,
    patience: int,
    folder: Path,
    logs: Path,
    title: str,
    verbose: int = 0,
) -> History:
    """Fit a compiled model; continue where an earlier call was killed.

    The caller holds the lock of the folder, see `disk.locked`.

    Args:
        model: Its weights are those of the best epoch afterwards.
        batches: Returns the training batches from an epoch on.
        steps_per_epoch: Batches in an epoch.
        validation: What to stop early on, or None to run all epochs and keep the last.
        epochs: How many at most.
        patience: Stop after this many epochs without a lower validation cross-entropy.
        folder: Where the state of the fit is kept; a finished fit is read from there.
        logs: Folder of the TensorBoard logs.
        title: What the progress bar over the epochs says.
        verbose: 1 for a bar within each epoch too.

    Returns:
        The metrics of each epoch: `loss`, `accuracy`, `cross_entropy` (the loss without L2), and
        the same of the validation photos with the prefix `val_`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = _State(folder)
    state.restore(model)
    done = len(state.history)
    best = folder / "best.weights.h5"
    # The state comes after the best epoch, so that it never mentions one that is not on disk.
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


class _State(keras.callbacks.Callback):
    """Keeps weights, optimizer state and history of the last epoch.

    Keras's BackupAndRestore forgets what early stopping has seen; here the history is the state.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self._folder = folder
        self._file = folder / "history.json"
        self.history: History = json.loads(self._file.read_text()) if self._file.exists() else []

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
    """Early stopping on the validation cross-entropy that knows the epochs before a kill."""

    def __init__(self, history: History, patience: int):
        super().__init__(monitor=MONITOR, mode="min", patience=patience)
        self._past = list(history)

    def has_stopped(self) -> bool:
        losses = [epoch[MONITOR] for epoch in self._past]
        return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= self.patience

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        for epoch, metrics in enumerate(self._past):
            self.on_epoch_end(epoch, metrics)
