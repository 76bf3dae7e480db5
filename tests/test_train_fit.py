"""The head is searched first, then the blocks below it are trained, then all photos are fitted."""

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import pytest

from dogbreed.train.network.cached import Features
from dogbreed.train.network.features import SHARD_ROWS
from dogbreed.train.network.fit import (
    FOLDS,
    JUDGED,
    answers_of,
    deal_folds,
    fit_blocks,
    fit_head,
    layers_above,
    unseen_logits,
    unseen_rows,
)
from dogbreed.train.options import Options
from dogbreed.train.resumable import MONITOR, Fitted

COUNT, CLASSES = 240, 3
SPLIT = np.arange(160), np.arange(160, COUNT)
# The first two photos look alike, and so do the next two.
GROUPS = np.array([0, 0, 1, 1, *range(2, COUNT - 2)])


@pytest.fixture(scope="module")
def classifier() -> keras.Model:
    """A small network with the layers that `fit` looks for: blocks, pooling, head."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4, 4, 3))
    below = keras.layers.Conv2D(5, 1, activation="relu", name="mixed8")(inputs)
    hidden = keras.layers.Conv2D(6, 3, activation="relu", name="above")(below)
    hidden = keras.layers.BatchNormalization(name="normalized")(hidden)
    pooled = keras.layers.GlobalAveragePooling2D(name="avg_pool")(hidden)
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="predictions")(pooled))


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(CLASSES, size=COUNT)


@pytest.fixture(scope="module")
def views(classifier, labels, tmp_path_factory) -> dict[str, list[Features]]:
    """Features of photos in three colors, in one view, as the cache has them."""
    folder = tmp_path_factory.mktemp("features")
    noise = np.random.default_rng(2).normal(size=(COUNT, 4, 4, 3))
    photos = np.eye(3)[labels][:, None, None] + noise / 2
    made = {}
    for boundary in ("avg_pool", "mixed8"):
        network = keras.Model(classifier.input, classifier.get_layer(boundary).output)
        np.save(folder / f"{boundary}.npy", network.predict(photos, verbose=0).astype(np.float16))
        made[boundary] = [Features([folder / f"{boundary}.npy"], f"{boundary}/plain")]
    assert COUNT <= SHARD_ROWS
    return made


@pytest.fixture(autouse=True)
def untrained(classifier) -> Iterator[None]:
    """Gives the network its weights back, since fits change them."""
    weights = classifier.get_weights()
    yield
    classifier.set_weights(weights)


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> Options:
    return Options(
        tmp_path_factory.mktemp("output"),
        learning_rate=[1e-4, 0.05],
        l2=[0.0, 1.0],
        epochs=4,
        blocks_learning_rate=0.01,
    )


@pytest.fixture(scope="module")
def head(classifier, views, labels, options, tmp_path_factory) -> Fitted:
    weights = classifier.get_weights()
    folder = tmp_path_factory.mktemp("fits")
    fitted = fit_head(
        classifier,
        views["avg_pool"],
        labels,
        SPLIT,
        options,
        groups=GROUPS,
        folder=folder,
    )
    classifier.set_weights(weights)
    return fitted


def test_the_search_keeps_the_least_validation_cross_entropy(head):
    assert len(head.search) == 4
    best = min(head.search, key=lambda row: row[MONITOR])
    assert (head.learning_rate, head.l2) == (best["learning_rate"], best["l2"]) == (0.05, 0.0)
    assert best["epochs"] == head.best_epoch
    assert best[MONITOR] == head.best[MONITOR] == min(epoch[MONITOR] for epoch in head.history)
    assert head.validation_metrics() == {
        "top_1": best["val_accuracy"],
        "cross_entropy": best[MONITOR],
    }


def test_independent_photos_choose_instead(head, classifier, views, labels, options):
    """They are labeled against all that was learned, so the fit that learned least is best."""
    pooled = views["avg_pool"][0].in_memory()[np.arange(COUNT)].astype(np.float32)
    begin, folder = classifier.get_weights(), next(iter(head.runs.values())).parent.parent
    others = fit_head(
        classifier,
        views["avg_pool"],
        labels,
        SPLIT,
        options,
        groups=GROUPS,
        judges=(pooled, (labels + 1) % (labels.max() + 1)),
        folder=folder,
    )
    classifier.set_weights(begin)
    judged = {(row["learning_rate"], row["l2"]): row[JUDGED] for row in others.search}
    assert judged[others.learning_rate, others.l2] == min(judged.values())
    assert (others.learning_rate, others.l2) != (head.learning_rate, head.l2)
    assert all(JUDGED not in row for row in head.search)
    # The fits of the search are the same ones, from the cache.
    assert [row[MONITOR] for row in others.search] == [row[MONITOR] for row in head.search]


def test_the_final_fit_has_seen_the_validation_photos(head, classifier, views, labels, options):
    assert list(head.runs) == ["lr0.05-l20", "final-lr0.05-l20"]
    assert all(folder.is_dir() for folder in head.runs.values())
    assert not np.array_equal(head.weights[0], head.searched[0])
    folder = head.runs["lr0.05-l20"].parent.parent
    alone = dataclasses.replace(options, final_fit=False)
    without = fit_head(
        classifier,
        views["avg_pool"],
        labels,
        SPLIT,
        alone,
        groups=GROUPS,
        folder=folder,
    )
    assert list(without.runs) == ["lr0.05-l20"]
    for weights, searched in zip(without.weights, head.searched, strict=True):
        np.testing.assert_array_equal(weights, searched)


def test_blocks_are_trained_from_the_head_with_their_statistics_kept(
    head, classifier, views, labels, options, tmp_path
):
    options = dataclasses.replace(options, train_from="mixed8")
    before = layers_above(classifier, "mixed8").get_weights()
    fitted = fit_blocks(
        classifier, views["mixed8"], labels, SPLIT, options, head=head, folder=tmp_path
    )
    assert fitted.folds == head.folds
    assert [*fitted.runs][-2:] == ["mixed8-lr0.01", "final-mixed8-lr0.01"]
    assert fitted.learning_rate == 0.01 and fitted.l2 == head.l2
    assert fitted.search == head.search
    kernel, bias, gamma, beta, mean, variance, *_ = (
        np.array_equal(*pair) for pair in zip(before, fitted.searched, strict=True)
    )
    assert not (kernel or bias)
    assert gamma and beta and mean and variance
    # It began where the head had ended, so its first epoch is better than the head's.
    assert fitted.history[0][MONITOR] < head.history[0][MONITOR]


def test_a_change_of_the_head_changes_the_fit_of_the_blocks(
    classifier, views, labels, options, tmp_path
):
    """Blocks that were trained with another head's L2 and start are not taken from the cache."""
    untouched, found = classifier.get_weights(), []
    for l2 in (0.0, 0.01):
        classifier.set_weights(untouched)
        chosen = dataclasses.replace(
            options, train_from="mixed8", learning_rate=[0.05], l2=[l2], epochs=1
        )
        head = fit_head(
            classifier,
            views["avg_pool"],
            labels,
            SPLIT,
            chosen,
            groups=GROUPS,
            folder=tmp_path,
        )
        maps = views["mixed8"]
        found.append(
            fit_blocks(classifier, maps, labels, SPLIT, chosen, head=head, folder=tmp_path)
        )
    first, second = found
    assert first.best_epoch == second.best_epoch == 1
    for one, other in ((first.searched, second.searched), (first.weights, second.weights)):
        assert not np.allclose(one[-2], other[-2], atol=1e-6)


@pytest.mark.parametrize("boundary", ["avg_pool", "mixed8"])
def test_answers_are_those_of_the_network(classifier, views, boundary):
    weights = layers_above(classifier, boundary).get_weights()
    rows = np.array([5, 0, 200])
    logits, pooled = answers_of(classifier, weights, boundary, views[boundary][0], rows)
    features = views["avg_pool"][0][rows].astype(np.float32)
    np.testing.assert_allclose(pooled, features, atol=2e-3)
    kernel, bias = classifier.get_layer("predictions").get_weights()
    np.testing.assert_allclose(logits, features @ kernel + bias, atol=1e-2)


def test_every_photo_has_a_head_that_has_not_seen_it(head, classifier, views, labels, tmp_path):
    assert len(head.folds) == FOLDS
    # The two groups of two photos are not divided.
    sizes = np.bincount(head.fold_of)
    assert sizes.sum() == COUNT and sizes.max() - sizes.min() <= 2
    assert head.fold_of[0] == head.fold_of[1] and head.fold_of[2] == head.fold_of[3]
    kernels = [kernel for kernel, _ in [*head.folds, head.weights[-2:]]]
    assert not any(np.array_equal(kernels[0], other) for other in kernels[1:])


def test_out_of_fold_answers_are_those_of_the_heads_of_the_folds(head, views, labels):
    rows = unseen_rows(head, labels, np.arange(COUNT))
    assert rows.tolist() == list(range(COUNT))
    pooled = views["avg_pool"][0][rows].astype(np.float64)
    kernel, bias = head.weights
    unseen = unseen_logits(head, rows, (pooled @ kernel + bias, pooled))
    for row in (0, 7, 239):
        kernel, bias = head.folds[head.fold_of[row]]
        np.testing.assert_allclose(unseen[row], pooled[row] @ kernel + bias, atol=1e-5)


def test_folds_are_even_within_each_class_and_keep_groups_together():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [100, 50, 3])
    groups = np.arange(153)
    groups[10:14] = 10
    folds = deal_folds(labels, groups, 1)
    assert set(folds) == set(range(FOLDS))
    for number, least, most in ((0, 16, 24), (1, 10, 10), (2, 0, 1)):
        counts = np.bincount(folds[labels == number], minlength=FOLDS)
        assert least <= counts.min() and counts.max() <= most
    assert len(set(folds[10:14])) == 1
    assert np.array_equal(folds, deal_folds(labels, groups, 1))
    assert not np.array_equal(folds, deal_folds(labels, groups, 2))
    few = deal_folds(np.array([0, 1, 0]), rng.permutation(3), 1)
    assert sorted(few) == [0, 1, 2]


def test_a_class_with_a_single_photo_settles_nothing(head, labels):
    """The head that has not seen the photo has not seen its class either."""
    alone = labels.copy()
    alone[17] = CLASSES
    assert 17 not in unseen_rows(head, alone, np.arange(COUNT))
    assert len(unseen_rows(head, alone, np.arange(COUNT))) == COUNT - 1
