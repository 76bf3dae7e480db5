"""Scores that distinguish dogs from other photos, learned and judged on cached features.

    python -m benchmarks.rejection_study --dataset DATA --independent OTHERS --not-dogs NEGATIVES \\
        --except dog_cartoon dog_sketch --backbone-weights WEIGHTS

A score learns from training photos and from the half of the negatives that training uses, both in
the same views. It is judged on the half of the independent photos that settles, and on these
negatives by cross-validation. The features are those of train.py, from the same cache.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks.cached import CachedFeatures
from benchmarks.results import benchmark_parser, publish
from dogbreed.train.data.cuts import learned_from
from dogbreed.train.data.independent import load_independent
from dogbreed.train.data.load import leave_out_kinds, load_negatives, load_training_data
from dogbreed.train.data.photos import Photos
from dogbreed.train.options import Options, default_cache_dir
from dogbreed.train.trust.rejection import separation

FOLDS = 5
VIEWS = ("plain", "random-1")


def linear(strength: float = 1e-2) -> ClassifierMixin:
    """Logistic regression."""
    return LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)


def hidden(units: int = 64) -> ClassifierMixin:
    """A network with one hidden layer."""
    return MLPClassifier((units,), alpha=1.0, early_stopping=True, max_iter=40, random_state=0)


# By name: the model, how many dogs it learns from, and in how many views.
WAYS: dict[str, tuple[Callable[[], ClassifierMixin], int, int]] = {
    "logistic, 1,000 dogs, as they are": (linear, 1000, 1),
    "logistic, 1,000 dogs": (linear, 1000, 2),
    "logistic, 6,000 dogs": (linear, 6000, 2),
    "logistic, stronger L2": (lambda: linear(1e-3), 6000, 2),
    "one hidden layer of 64, 1,000 dogs": (hidden, 1000, 2),
    "one hidden layer of 64, 6,000 dogs": (hidden, 6000, 2),
    "one hidden layer of 128, 6,000 dogs": (lambda: hidden(128), 6000, 2),
}


def main() -> None:
    """Fit each score, print a table and write JSON."""
    options = read_options()
    train = load_training_data(options.dataset).train
    negatives, _ = leave_out_kinds(load_negatives(options.not_dogs), options.excepted)
    negatives = negatives.select(learned_from(negatives))
    settling = load_independent(options.independent, train).settling
    cached = CachedFeatures(options.backbone_weights, options.cache_dir)
    dogs, others = ([pooled(cached, each, view) for view in VIEWS] for each in (train, negatives))
    judges = pooled(cached, settling, "plain")
    transforms = {"pooled features": None, "their square roots": np.sqrt}
    rows = []
    for inputs, transform in transforms.items():
        for name, (model, count, views) in WAYS.items():
            if inputs != "pooled features" and name != "logistic, 6,000 dogs":
                continue
            picked = np.random.default_rng(Options.seed).permutation(len(train))[:count]
            learned = [view[picked] for view in dogs[:views]], others[:views]
            measured = judge(make(model, transform), *learned, judges, others[0])
            rows.append({"score": name, "from": inputs, **measured})
    publish(options.output, "Scores of whether there is a dog", rows)


def read_options() -> argparse.Namespace:
    """The options from the command line."""
    parser = benchmark_parser(__doc__, "rejection_study.json")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--independent", required=True)
    parser.add_argument("--not-dogs", required=True)
    parser.add_argument("--except", nargs="+", default=[], dest="excepted", metavar="NAME")
    parser.add_argument("--backbone-weights", required=True)
    parser.add_argument("--cache-dir", type=Path, default=default_cache_dir())
    return parser.parse_args()


def pooled(cached: CachedFeatures, photos: Photos, view: str) -> np.ndarray:
    """Pooled features of those photos that can be decoded, float32 of shape (N, channels)."""
    features = cached.read(photos, view)
    return features[~np.isnan(features[:, 0])]


def make(model: Callable[[], ClassifierMixin], transform: Callable | None) -> Pipeline:
    """Standardize the features, after a transform of theirs, and fit the model."""
    return make_pipeline(FunctionTransformer(transform), StandardScaler(), model())


def judge(
    model: Pipeline,
    dogs: list[np.ndarray],
    negatives: list[np.ndarray],
    judges: np.ndarray,
    shown: np.ndarray,
) -> dict[str, float]:
    """Fit a score without each fold of the negatives, and measure it on photos it has not seen.

    Args:
        model: What is fitted.
        dogs, negatives: Features to learn from, view by view.
        judges: Features of other dogs.
        shown: Features of the negatives as they are.

    Returns:
        In percent: `AUROC`, and the negatives `refused` at the threshold that refuses 1 % of dogs.
    """
    fold_of = np.random.default_rng(Options.seed).permutation(np.arange(len(shown)) % FOLDS)
    learned = np.concatenate(dogs)
    of_dogs, of_negatives = np.zeros(len(judges)), np.empty(len(shown))
    for fold in range(FOLDS):
        others = np.concatenate([view[fold_of != fold] for view in negatives])
        model.fit(np.concatenate([learned, others]), np.repeat([1, 0], [len(learned), len(others)]))
        of_negatives[fold_of == fold] = score(model, shown[fold_of == fold])
        of_dogs += score(model, judges) / FOLDS
    measured = separation(of_dogs, of_negatives)
    return {"AUROC": 100 * measured["auroc"], "refused": 100 * measured["refused"]}


def score(model: Pipeline, features: np.ndarray) -> np.ndarray:
    """The logit of a dog, float64 of shape (N,)."""
    shares = np.clip(model.predict_proba(features)[:, 1], 1e-12, 1 - 1e-12)
    return np.log(shares / (1 - shares))


if __name__ == "__main__":
    main()
