"""One way of fitting the head on cached features, measured on validation photos only.

    python -m benchmarks.head_study --dataset DATA --backbone-weights WEIGHTS
    python -m benchmarks.head_study --dataset DATA --backbone-weights WEIGHTS --label-smoothing 0.1

The features are those of train.py with the same options, from the same cache. Early stopping as
there; each row of docs/experiments.md about the head is one call of this.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np
from dogbreed.train.precision import PRECISIONS, best_precision

from dogbreed.train.backbone import build_backbone, weights_fingerprint
from dogbreed.train.cuts import cut_validation
from dogbreed.train.data import load_training_data
from dogbreed.train.features import extract_features, view_names
from dogbreed.train.options import Options, default_cache_dir
from dogbreed.train.photos import Photos

BATCH_SIZE = 256
PATIENCE = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--backbone-weights", required=True)
    parser.add_argument("--cache-dir", type=Path, default=default_cache_dir())
    parser.add_argument("--precision", choices=PRECISIONS, default=best_precision())
    parser.add_argument("--views", nargs="+", default=["plain", "mirror"], metavar="VIEW")
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--l2", type=float, default=0.0)
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--mixup", type=float, default=0.0, help="alpha of the Beta distribution")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--noise", type=float, default=0.0, help="in standard deviations")
    parser.add_argument("--normalise", choices=("none", "standard", "length"), default="none")
    parser.add_argument("--ema", type=float, help="momentum of the averaged weights")
    parser.add_argument("--predict-mirrored", action="store_true", help="mean of both views")
    options = parser.parse_args()
    unknown = set(options.views) - set(view_names(99))
    if unknown:
        parser.error(f"there is no view {', '.join(unknown)}")

    started = time.perf_counter()
    keras.utils.set_random_seed(42)
    photos = load_training_data(options.dataset).train
    kept, held_out = cut_validation(photos.labels, Options.validation_per_class, 42)
    views = read_views(options, photos, [*options.views, "plain", "mirror"])
    inputs = np.concatenate([views[name][kept] for name in options.views])
    targets = one_hot(np.tile(photos.labels[kept], len(options.views)))
    shift, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-3

    def normalise(features: np.ndarray) -> np.ndarray:
        if options.normalise == "standard":
            return (features - shift) / scale
        if options.normalise == "length":
            return 20 * features / np.linalg.norm(features, axis=1, keepdims=True)
        return features

    model = build_model(options, inputs.shape[1], targets.shape[1])
    truth = photos.labels[held_out]
    shown = {name: normalise(views[name][held_out]) for name in ("plain", "mirror")}
    model.fit(
        Batches(normalise(inputs), targets, options.mixup),
        epochs=100,
        verbose=0,
        validation_data=(shown["plain"], one_hot(truth)),
        callbacks=[
            *([keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if options.ema else []),
            keras.callbacks.EarlyStopping(
                "val_cross_entropy", mode="min", patience=PATIENCE, restore_best_weights=True
            ),
        ],
    )
    told = keras.ops.softmax(model.predict(shown["plain"], verbose=0)).numpy()
    if options.predict_mirrored:
        told = (told + keras.ops.softmax(model.predict(shown["mirror"], verbose=0)).numpy()) / 2
    top_1 = (told.argmax(axis=1) == truth).mean()
    interval = 1.96 * np.sqrt(top_1 * (1 - top_1) / len(truth))
    loss = -np.log(told[np.arange(len(truth)), truth]).mean()
    print(
        f"validation top-1 {top_1:.2%} ± {interval:.2%}, cross-entropy {loss:.4f}, "
        f"{len(truth)} photos, {time.perf_counter() - started:.0f} s with the features at hand"
    )


class Batches(keras.utils.PyDataset):
    """Shuffled batches, mixed up by twos if asked for (Zhang et al. 2018, arXiv:1710.09412)."""

    def __init__(self, inputs: np.ndarray, targets: np.ndarray, mixup: float):
        super().__init__()
        self._inputs, self._targets, self._mixup = inputs, targets, mixup
        self._rng = np.random.default_rng(42)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._inputs) // BATCH_SIZE)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._order[number * BATCH_SIZE : (number + 1) * BATCH_SIZE]
        inputs, targets = self._inputs[rows], self._targets[rows]
        if self._mixup:
            share = self._rng.beta(self._mixup, self._mixup, (len(rows), 1)).astype(np.float32)
            other = self._rng.permutation(len(rows))
            inputs = share * inputs + (1 - share) * inputs[other]
            targets = share * targets + (1 - share) * targets[other]
        return inputs, targets

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._inputs))


def build_model(options: argparse.Namespace, channels: int, classes: int) -> keras.Model:
    """The head as the options have it, compiled."""
    layers = [keras.Input((channels,))]
    if options.noise:
        layers.append(keras.layers.GaussianNoise(options.noise))
    if options.dropout:
        layers.append(keras.layers.Dropout(options.dropout))
    regulariser = keras.regularizers.L2(options.l2)
    layers.append(keras.layers.Dense(classes, kernel_regularizer=regulariser))
    model = keras.Sequential(layers)
    averaging = {"use_ema": True, "ema_momentum": options.ema} if options.ema else {}
    model.compile(
        keras.optimizers.Adam(options.learning_rate, **averaging),
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=options.label_smoothing
        ),
        metrics=[keras.metrics.CategoricalCrossentropy("cross_entropy", from_logits=True)],
    )
    return model


def read_views(
    options: argparse.Namespace, photos: Photos, names: list[str]
) -> dict[str, np.ndarray]:
    """Pooled features of all photos, float32 of shape (N, channels), by view."""
    backbone = build_backbone(options.backbone_weights)
    fingerprint, of_photos = weights_fingerprint(backbone), photos.fingerprint()
    views = {}
    for name in dict.fromkeys(names):
        found = extract_features(
            backbone,
            fingerprint,
            photos,
            of_photos,
            name,
            resize=Options.resize,
            seed=Options.seed,
            cache_dir=options.cache_dir,
            precision=options.precision,
        )["avg_pool"]
        views[name] = found[np.arange(len(found))].astype(np.float32)
    return views


def one_hot(labels: np.ndarray) -> np.ndarray:
    """float32 array of shape (N, num_classes)."""
    return np.eye(labels.max() + 1, dtype=np.float32)[labels]


if __name__ == "__main__":
    main()
