"""The head is searched first, then the blocks below it are trained, then all photos are fitted."""

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import pytest

from dogbreed.train.cached import Features
from dogbreed.train.features import SHARD_ROWS
from dogbreed.train.fit import answers_of, fit_blocks, fit_head, layers_above
from dogbreed.train.options import Options
from dogbreed.train.resumable import MONITOR, Fitted

COUNT, CLASSES = 240, 3
SPLIT = np.arange(160), np.arange(160, COUNT)


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
    fitted = fit_head(classifier, views["avg_pool"], labels, SPLIT, options, folder)
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


def test_the_final_fit_has_seen_the_validation_photos(head, classifier, views, labels, options):
    assert list(head.runs) == ["lr0.05-l20", "final-lr0.05-l20"]
    assert all(folder.is_dir() for folder in head.runs.values())
    assert not np.array_equal(head.weights[0], head.searched[0])
    folder = head.runs["lr0.05-l20"].parent.parent
    alone = dataclasses.replace(options, final_fit=False)
    without = fit_head(classifier, views["avg_pool"], labels, SPLIT, alone, folder)
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
        head = fit_head(classifier, views["avg_pool"], labels, SPLIT, chosen, tmp_path)
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
