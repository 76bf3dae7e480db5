"""From cached features to a fitted network: the head first, then the blocks below if asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from dogbreed.train.backbone import tail_network
from dogbreed.train.features import Features
from dogbreed.train.fit import Examples, Tail, fit_name, fit_tail, search_tail
from dogbreed.train.options import Options

HEAD_BATCH = 256
BLOCKS_BATCH = 64
# About the last two hundred steps.
BLOCKS_EMA = 0.995


@dataclass(frozen=True)
class Stages:
    """What fitting on features gives.

    Attributes:
        tail: Above the boundary `train_from`, fitted on all photos unless asked otherwise.
        searched: The same, fitted without the validation photos.
        search: A row of figures for each fit of the head's search.
        runs: Folders of TensorBoard logs that belong to it.
    """

    tail: Tail
    searched: Tail
    search: list[dict]
    runs: list[Path]


def fit_stages(
    classifier: keras.Model,
    views: Mapping[str, Sequence[Features]],
    labels: np.ndarray,
    kept: np.ndarray,
    held_out: np.ndarray,
    options: Options,
    folder: Path,
) -> Stages:
    """Search the head on the kept photos, train what lies below if asked to, then fit on all.

    Args:
        classifier: Network whose head holds the weights to start from.
        views: For each boundary that is needed the features of all photos, view by view.
        labels: int64 array, the class number of every photo.
        kept, held_out: Rows to train and to validate on.
        options: Options of the run.
        folder: Where the state of the fits and their logs are kept.
    """
    everything = np.sort(np.concatenate([kept, held_out]))

    # Pooled features fit into memory; maps are read as they are needed.
    pooled = [view[np.arange(len(view))] for view in views["avg_pool"]]

    def examples(boundary: str, rows: np.ndarray) -> Examples:
        of_photos = pooled if boundary == "avg_pool" else views[boundary]
        return Examples(of_photos, rows, labels[rows])

    logs = folder / "runs"
    head = tail_network(classifier, "avg_pool")
    common = {"seed": options.seed, "patience": options.patience}
    at_head = {**common, "start": head.get_weights(), "batch_size": HEAD_BATCH}
    searched, search = search_tail(
        head,
        examples("avg_pool", kept),
        examples("avg_pool", held_out),
        learning_rates=options.learning_rate,
        l2=options.l2,
        epochs=options.epochs,
        folder=folder / "search",
        logs=logs,
        **at_head,
    )
    name = fit_name(searched.learning_rate, searched.l2)
    runs = [logs / name]

    def fit_all(network: keras.Model, boundary: str, chosen: Tail, name: str, **start) -> Tail:
        name = f"final-{name}-{chosen.best_epoch}epochs"
        runs.append(logs / name)
        return fit_tail(
            network,
            examples(boundary, everything),
            None,
            learning_rate=chosen.learning_rate,
            l2=chosen.l2,
            epochs=chosen.best_epoch,
            folder=folder / name,
            logs=runs[-1],
            **start,
        )

    tail = fit_all(head, "avg_pool", searched, name, **at_head) if options.final_fit else searched
    if options.train_from == "avg_pool":
        return Stages(tail, searched, search, runs)

    blocks = tail_network(classifier, options.train_from)
    below = blocks.get_weights()[:-2]
    at_blocks = {
        **common,
        "batch_size": BLOCKS_BATCH,
        "ema": BLOCKS_EMA,
        "precision": options.precision,
        # An epoch takes minutes.
        "verbose": 1,
    }
    name = f"{options.train_from}-lr{options.blocks_learning_rate:g}"
    runs.append(logs / name)
    trained = fit_tail(
        blocks,
        examples(options.train_from, kept),
        examples(options.train_from, held_out),
        learning_rate=options.blocks_learning_rate,
        l2=searched.l2,
        epochs=options.epochs,
        start=[*below, *searched.weights],
        folder=folder / f"{name}-from-{fit_name(searched.learning_rate, searched.l2)}",
        logs=runs[-1],
        **at_blocks,
    )
    final = trained
    if options.final_fit:
        final = fit_all(
            blocks, options.train_from, trained, name, start=[*below, *tail.weights], **at_blocks
        )
    return Stages(final, trained, search, runs)
