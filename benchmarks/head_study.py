"""One way of fitting the head on cached features, measured on validation and independent photos.

    python -m benchmarks.head_study --dataset DATA --backbone-weights WEIGHTS --independent OTHERS
    python -m benchmarks.head_study --dataset DATA --backbone-weights WEIGHTS --label-smoothing 0.1

Of the independent photos only the half that settles is used, each source apart, so that the other
half can measure what was chosen.

The features are those of train.py, from the same cache. The rate falls to zero while each photo is
seen as often as there; an epoch here shows all of its views.
Each row of docs/experiments.md about the head is one call of this.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

from benchmarks.cached import CachedFeatures
from benchmarks.pairs import confused_pairs, decide, fit_pairs
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import timed
from dogbreed.images import RESIZE_METHODS
from dogbreed.train.data.cuts import cut_validation
from dogbreed.train.data.independent import load_independent
from dogbreed.train.data.load import load_training_data
from dogbreed.train.measure.everything import sources_of
from dogbreed.train.network.fit import HEAD_BATCH
from dogbreed.train.network.views import view_names
from dogbreed.train.options import Options, default_cache_dir
from dogbreed.train.trust.calibration import tempered_cross_entropy


def main() -> None:
    """Fit, print a table and write JSON."""
    options = read_options()
    keras.utils.set_random_seed(Options.seed)
    photos = load_training_data(options.dataset).train
    split = cut_validation(photos.labels, Options.validation_per_class, Options.seed)
    cached = CachedFeatures(options.backbone_weights, options.cache_dir, options.resize)
    seen = ["plain", "mirror"] if options.predict_mirrored else ["plain"]
    views = {view: cached.read(photos, view) for view in {*options.views, "plain"}}
    asked = {"validation": {"plain": views["plain"][split[1]]}}
    for view in seen[1:]:
        asked["validation"][view] = cached.read(photos.select(split[1]), view)
    truths, sources = {"validation": photos.labels[split[1]]}, {"validation": ["all"]}
    if options.independent:
        settling = load_independent(options.independent, photos).settling
        asked["independent"] = {view: cached.read(settling, view) for view in seen}
        truths["independent"], sources["independent"] = settling.labels, sources_of(settling)
    seconds, answers = timed(lambda: fit_and_answer(options, views, photos.labels, split, asked))
    if options.pairs:
        answers = share_out_pairs(options, views, photos.labels, split, asked, answers)
    rows = []
    for name, logits in answers.items():
        for source in dict.fromkeys(["all", *sources[name]]):
            here = np.array([source in ("all", other) for other in sources[name]])
            here = np.resize(here, len(logits))
            rows.append({"photos": f"{name}, {source}"} | measure(logits[here], truths[name][here]))
    how = {
        name: value for name, value in vars(options).items() if name not in ("output", "cache_dir")
    }
    publish(options.output, "The head", rows, seconds=round(seconds), **how)


def measure(logits: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Accuracy in percent with its interval, and the cross-entropy at the best temperature."""
    top_1 = float((logits.argmax(axis=1) == truth).mean())
    return {
        "count": len(truth),
        "top-1, %": 100 * top_1,
        "± points": 100 * float(1.96 * np.sqrt(top_1 * (1 - top_1) / len(truth))),
        "cross-entropy": tempered_cross_entropy(logits, truth),
    }


def read_options() -> argparse.Namespace:
    """The options from the command line."""
    parser = benchmark_parser(__doc__, "head_study.json")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--backbone-weights", required=True)
    parser.add_argument("--cache-dir", type=Path, default=default_cache_dir())
    parser.add_argument("--independent", help="labeled photos, as train.py takes them")
    parser.add_argument(
        "--views", nargs="+", default=view_names(Options.augment_views), metavar="VIEW"
    )
    parser.add_argument("--resize", choices=RESIZE_METHODS, default=Options.resize)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--l2", type=float, default=5e-3)
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--mixup", type=float, default=0.0, help="alpha of the Beta distribution")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--noise", type=float, default=0.0, help="in standard deviations")
    parser.add_argument("--normalize", choices=("none", "standard", "length"), default="none")
    parser.add_argument("--pairs", type=int, default=0, help="most confused pairs, asked apart")
    parser.add_argument("--pair-strength", type=float, default=1e-3, help="C of their regressions")
    parser.add_argument("--predict-mirrored", action="store_true", help="mean of both views")
    options = parser.parse_args()
    if options.pairs and (options.normalize != "none" or options.predict_mirrored):
        parser.error("--pairs asks about plain features; leave out --normalize and the mirror")
    return options


def fit_and_answer(
    options: argparse.Namespace,
    views: dict[str, np.ndarray],
    labels: np.ndarray,
    split: tuple[np.ndarray, np.ndarray],
    asked: dict[str, dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Fit the head as the options say.

    Args:
        options: From `read_options`.
        views: Features of all training photos, by view.
        labels: Class number of every photo.
        split: Rows to train on and to validate on.
        asked: Features of each kind of photos to answer, by view; several views are averaged.

    Returns:
        Logits for each kind of photos, (N, num_classes).
    """
    kept, held_out = split
    inputs = np.concatenate([views[name][kept] for name in options.views])
    targets = one_hot(np.tile(labels[kept], len(options.views)))
    shift, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-3

    def normalize(features: np.ndarray) -> np.ndarray:
        if options.normalize == "standard":
            return (features - shift) / scale
        if options.normalize == "length":
            return 20 * features / np.linalg.norm(features, axis=1, keepdims=True)
        return features

    batches = Batches(normalize(inputs), targets, options.mixup)
    epochs = -(-Options.epochs // len(options.views))
    model = build_model(options, inputs.shape[1], targets.shape[1], len(batches) * epochs)
    model.fit(
        batches,
        epochs=epochs,
        verbose=0,
        validation_data=(normalize(asked["validation"]["plain"]), one_hot(labels[held_out])),
        callbacks=[
            keras.callbacks.EarlyStopping(
                "val_cross_entropy",
                mode="min",
                patience=Options.patience,
                restore_best_weights=True,
            )
        ],
    )
    return {
        name: np.mean([model.predict(normalize(view), verbose=0) for view in each.values()], axis=0)
        for name, each in asked.items()
    }


def share_out_pairs(
    options: argparse.Namespace,
    views: dict[str, np.ndarray],
    labels: np.ndarray,
    split: tuple[np.ndarray, np.ndarray],
    asked: dict[str, dict[str, np.ndarray]],
    answers: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Let a regression decide between the breeds that validation photos show to be confused."""
    kept, held_out = split
    pairs = confused_pairs(answers["validation"], labels[held_out], options.pairs)
    inputs = np.concatenate([views[name][kept] for name in options.views])
    targets = np.tile(labels[kept], len(options.views))
    fitted = fit_pairs(pairs, inputs, targets, options.pair_strength)
    return {name: decide(fitted, asked[name]["plain"], answers[name]) for name in answers}


class Batches(keras.utils.PyDataset):
    """Shuffled batches, in pairs if `mixup` is not 0 (Zhang et al. 2018, arXiv:1710.09412)."""

    def __init__(self, inputs: np.ndarray, targets: np.ndarray, mixup: float):
        super().__init__()
        self._inputs, self._targets, self._mixup = inputs, targets, mixup
        self._rng = np.random.default_rng(42)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._inputs) // HEAD_BATCH)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._order[number * HEAD_BATCH : (number + 1) * HEAD_BATCH]
        inputs, targets = self._inputs[rows], self._targets[rows]
        if self._mixup:
            share = self._rng.beta(self._mixup, self._mixup, (len(rows), 1)).astype(np.float32)
            other = self._rng.permutation(len(rows))
            inputs = share * inputs + (1 - share) * inputs[other]
            targets = share * targets + (1 - share) * targets[other]
        return inputs, targets

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._inputs))


def build_model(
    options: argparse.Namespace, channels: int, classes: int, steps: int
) -> keras.Model:
    """The head that the options describe, compiled; its rate falls to zero in so many steps."""
    layers = [keras.Input((channels,))]
    if options.noise:
        layers.append(keras.layers.GaussianNoise(options.noise))
    if options.dropout:
        layers.append(keras.layers.Dropout(options.dropout))
    regularizer = keras.regularizers.L2(options.l2)
    layers.append(keras.layers.Dense(classes, kernel_regularizer=regularizer))
    model = keras.Sequential(layers)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)),
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=options.label_smoothing
        ),
        metrics=[keras.metrics.CategoricalCrossentropy("cross_entropy", from_logits=True)],
    )
    return model


def one_hot(labels: np.ndarray) -> np.ndarray:
    """float32 array of shape (N, num_classes)."""
    return np.eye(labels.max() + 1, dtype=np.float32)[labels]


if __name__ == "__main__":
    main()
