"""From cached features to fitted layers: the head first, then the blocks below if asked for."""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from tqdm.auto import tqdm

from dogbreed.train.network.cached import Features
from dogbreed.train.network.trainer import Trainer, Weights
from dogbreed.train.options import Options
from dogbreed.train.resumable import MONITOR, Fitted
from dogbreed.train.trust.calibration import tempered_cross_entropy, with_head
from dogbreed.train.trust.rejection import Answers

HEAD_BATCH = 256
BLOCKS_BATCH = 64
FOLDS = 5
# In the table of the search: what independent photos choose by.
JUDGED = "independent_cross_entropy"
_ANSWER_BATCH = 64


def layers_above(classifier: keras.Model, boundary: str) -> keras.Model:
    """Return the part of a network above a boundary, ready to be trained; it shares the layers.

    Its convolutions and its dense layer can be trained; batch statistics stay as they are, as
    Keras advises for fine-tuning (keras.io, "Transfer learning & fine-tuning").

    Args:
        classifier: Network from `backbone.classifier_network`.
        boundary: One of `frozen.BOUNDARIES`.

    Returns:
        Network from what `frozen.boundary_output` returns to logits.
    """
    above = keras.Model(classifier.get_layer(boundary).output, classifier.output)
    for layer in above.layers:
        layer.trainable = isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    return above


def fit_head(
    classifier: keras.Model,
    views: Sequence[Features],
    labels: np.ndarray,
    split: tuple[np.ndarray, np.ndarray],
    options: Options,
    *,
    groups: np.ndarray,
    judges: tuple[np.ndarray, np.ndarray] | None = None,
    folder: Path,
) -> Fitted:
    """Choose learning rate and L2 weight, then fit on all photos.

    Further heads are fitted in the same way, each without one fold of the photos that the served
    head is fitted on, so that there is an answer to every photo from a head that has not seen it.

    Args:
        classifier: Network whose head contains the weights to start from.
        views: Pooled features of all photos, view by view.
        labels: int64 array, the class number of every photo.
        split: Rows to train on and rows to validate on.
        options: Options of the run.
        groups: int64 array, the group of every photo; a group is not divided among folds.
        judges: Pooled features of independent photos, and their classes, which choose by their
            least cross-entropy over all temperatures; None to let the validation photos choose.
        folder: Where the state of the fits and their logs are kept.
    """
    head = layers_above(classifier, "avg_pool")
    trainer = Trainer(
        head,
        # Pooled features fit into memory.
        [view.in_memory() for view in views],
        labels,
        folder,
        batch_size=HEAD_BATCH,
        patience=options.patience,
        seed=options.seed,
    )
    start, tried = head.get_weights(), []
    for rate, l2 in itertools.product(options.learning_rate, options.l2):
        name = f"lr{rate:g}-l2{l2:g}"
        weights, history = trainer.fit(
            name, split, start, learning_rate=rate, l2=l2, epochs=options.epochs
        )
        runs = {name: trainer.runs[name]}
        tried.append(Fitted(weights, weights, history, rate, l2, [], runs))
    search = [_search_row(fitted, judges) for fitted in tried]
    best = tried[int(np.argmin([row[JUDGED if judges else MONITOR] for row in search]))]
    best = dataclasses.replace(best, search=search)
    if options.final_fit:
        best = _fit_all(trainer, best, split, start, options.epochs)
    rows = np.sort(np.concatenate(split)) if options.final_fit else split[0]
    fold_of = np.full(len(labels), -1)
    fold_of[rows] = deal_folds(labels[rows], groups[rows], options.seed)
    folds = []
    for fold in range(fold_of.max() + 1):
        others = rows[fold_of[rows] != fold]
        weights, _ = trainer.fit(
            f"fold{fold}",
            (others, None),
            start,
            learning_rate=best.learning_rate,
            l2=best.l2,
            epochs=options.epochs,
            stop_after=best.best_epoch,
        )
        folds.append(weights)
    return dataclasses.replace(best, folds=folds, fold_of=fold_of)


def deal_folds(labels: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Deal photos into at most `FOLDS` folds, each class evenly, each group into one fold.

    Args:
        labels: int array of shape (N,), class numbers.
        groups: int array of shape (N,), such as from `duplicates.group_rows`.
        seed: Decides the fold of each group.

    Returns:
        int64 array of shape (N,), fold numbers from 0.
    """
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(first))
    order = order[np.argsort(labels[first[order]], kind="stable")]
    fold_of_group = np.empty(len(first), int)
    fold_of_group[order] = np.arange(len(first)) % min(FOLDS, len(first))
    return fold_of_group[group_of]


def unseen_rows(fitted: Fitted, labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return those rows to which a head can answer that has seen their class, but not them."""
    kept = []
    for fold in range(len(fitted.folds)):
        here = rows[fitted.fold_of[rows] == fold]
        others = (fitted.fold_of >= 0) & (fitted.fold_of != fold)
        kept.append(here[np.isin(labels[here], labels[others])])
    return np.sort(np.concatenate(kept))


def unseen_logits(fitted: Fitted, rows: np.ndarray, answers: Answers) -> np.ndarray:
    """Return the logits as the head of each photo's fold, which has not seen it, gives them.

    Args:
        fitted: What `fit_head` returned.
        rows: Photos that are in a fold.
        answers: Logits and pooled features of the network with `fitted.weights`.
    """
    logits, pooled = answers
    unseen = np.empty(logits.shape, np.float64)
    for fold, head in enumerate(fitted.folds):
        here = fitted.fold_of[rows] == fold
        unseen[here] = with_head((logits[here], pooled[here]), fitted.weights, head)
    return unseen


def fit_blocks(
    classifier: keras.Model,
    maps: Sequence[Features],
    labels: np.ndarray,
    split: tuple[np.ndarray, np.ndarray],
    options: Options,
    *,
    head: Fitted,
    folder: Path,
) -> Fitted:
    """Train the blocks above the boundary `train_from` together with a head that is fitted already.

    Args:
        classifier: Network whose blocks contain the weights to start from.
        maps: Features of all photos at the boundary, view by view.
        labels, split, options, folder: See `fit_head`.
        head: What `fit_head` returned; its L2 weight is used again.
    """
    blocks = layers_above(classifier, options.train_from)
    below = blocks.get_weights()[:-2]
    trainer = Trainer(
        blocks,
        maps,
        labels,
        folder,
        batch_size=BLOCKS_BATCH,
        patience=options.patience,
        seed=options.seed,
        # An epoch takes minutes.
        verbose=1,
    )
    rate = options.blocks_learning_rate
    name = f"{options.train_from}-lr{rate:g}"
    start = [*below, *head.searched]
    weights, history = trainer.fit(
        name, split, start, learning_rate=rate, l2=head.l2, epochs=options.epochs
    )
    runs = {**head.runs, name: trainer.runs[name]}
    fitted = dataclasses.replace(
        head, weights=weights, searched=weights, history=history, learning_rate=rate, runs=runs
    )
    if not options.final_fit:
        return fitted
    return _fit_all(trainer, fitted, split, [*below, *head.weights], options.epochs)


def _fit_all(
    trainer: Trainer,
    fitted: Fitted,
    split: tuple[np.ndarray, np.ndarray],
    start: Weights,
    epochs: int,
) -> Fitted:
    """Fit on all photos with the same options, and stop after as many epochs as were best."""
    name = f"final-{list(fitted.runs)[-1]}"
    weights, _ = trainer.fit(
        name,
        (np.sort(np.concatenate(split)), None),
        start,
        learning_rate=fitted.learning_rate,
        l2=fitted.l2,
        epochs=epochs,
        stop_after=fitted.best_epoch,
    )
    runs = {**fitted.runs, name: trainer.runs[name]}
    return dataclasses.replace(fitted, weights=weights, runs=runs)


def answers_of(
    classifier: keras.Model,
    weights: Weights,
    boundary: str,
    features: Features,
    rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute what a network answers in float32, from cached features.

    Args:
        classifier: Network from `backbone.classifier_network`; its layers above the boundary
            are used.
        weights: Of these layers, see `Fitted`.
        boundary: Where the features were taken.
        features: In the plain view.
        rows: Which photos.

    Returns:
        Logits, (N, num_classes), and pooled features, (N, channels), both float32.
    """
    if boundary == "avg_pool":
        pooled, (kernel, bias) = features[rows].astype(np.float32), weights
        return pooled @ kernel + bias, pooled
    layers_above(classifier, boundary).set_weights(weights)
    both = keras.Model(
        classifier.get_layer(boundary).output,
        [classifier.output, classifier.get_layer("avg_pool").output],
    )
    parts = [
        both.predict_on_batch(features[rows[begin : begin + _ANSWER_BATCH]].astype(np.float32))
        for begin in tqdm(range(0, len(rows), _ANSWER_BATCH), desc="Answers", unit="batch")
    ]
    logits, pooled = (np.concatenate(part) for part in zip(*parts, strict=True))
    return logits, pooled


def _search_row(fitted: Fitted, judges: tuple[np.ndarray, np.ndarray] | None) -> dict[str, float]:
    judged = {}
    if judges is not None:
        (kernel, bias), (pooled, labels) = fitted.weights, judges
        judged[JUDGED] = tempered_cross_entropy(pooled @ kernel + bias, labels)
    return {
        "learning_rate": fitted.learning_rate,
        "l2": fitted.l2,
        "epochs": fitted.best_epoch,
        MONITOR: fitted.best[MONITOR],
        "val_accuracy": fitted.best["val_accuracy"],
        **judged,
    }
