"""Fits stop early, repeat exactly, and go on after a kill, at either boundary."""

import csv
import itertools

import keras
import numpy as np
import pytest

from dogbreed.train import fit
from dogbreed.train.fit import (
    MONITOR,
    Examples,
    Tail,
    draw_epochs,
    fit_tail,
    search_tail,
    write_history,
)


@pytest.fixture(scope="module")
def examples() -> tuple[Examples, Examples]:
    """Noisy linear classes: training and validation photos."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1200, 32)).astype(np.float16)
    logits = features.astype(np.float32) @ rng.normal(size=(32, 4)) + rng.normal(size=(1200, 4)) * 4
    labels, rows = logits.argmax(axis=1), np.arange(1200)
    return Examples([features], rows[:800], labels[:800]), Examples(
        [features], rows[800:], labels[800:]
    )


@pytest.fixture
def network() -> keras.Model:
    """A head for these features, random weights."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((32,))
    return keras.Model(inputs, keras.layers.Dense(4, name="predictions")(inputs))


@pytest.fixture
def options(tmp_path, network):
    return {
        "learning_rate": 0.01,
        "l2": 1e-4,
        "epochs": 60,
        "patience": 3,
        "seed": 5,
        "start": network.get_weights(),
        "batch_size": 256,
        "folder": tmp_path / "fit",
        "logs": tmp_path / "logs",
    }


def cross_entropy(tail: Tail, examples: Examples) -> float:
    kernel, bias = tail.weights
    logits = examples.views[0][examples.rows].astype(np.float64) @ kernel + bias
    logits -= logits.max(axis=1, keepdims=True)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(examples.labels)), examples.labels].mean())


def assert_same_weights(one: Tail, other: Tail, atol: float = 1e-6) -> None:
    for first, second in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(second, first, atol=atol)


def test_it_stops_early_and_keeps_the_best_epoch(network, examples, options):
    tail = fit_tail(network, *examples, **options)
    losses = [epoch[MONITOR] for epoch in tail.history]
    assert len(losses) < options["epochs"]
    assert len(losses) - tail.best_epoch == options["patience"]
    assert tail.best[MONITOR] == min(losses)
    # The weights are those of that epoch, and the loss is the one without L2.
    assert cross_entropy(tail, examples[1]) == pytest.approx(min(losses), abs=1e-4)
    assert tail.best["val_accuracy"] > 0.5


def test_the_same_seed_gives_the_same_weights(network, examples, options, tmp_path):
    first = fit_tail(network, *examples, **options)
    again = fit_tail(network, *examples, **options | {"folder": tmp_path / "again"})
    assert_same_weights(first, again)
    other = fit_tail(network, *examples, **options | {"folder": tmp_path / "other", "seed": 6})
    assert not np.allclose(other.weights[0], first.weights[0], atol=1e-6)


def test_l2_keeps_the_kernel_small(network, examples, options, tmp_path):
    free = fit_tail(network, *examples, **options | {"l2": 0.0, "epochs": 5})
    bound = fit_tail(
        network, *examples, **options | {"l2": 0.1, "epochs": 5, "folder": tmp_path / "bound"}
    )
    assert np.abs(bound.weights[0]).sum() < 0.8 * np.abs(free.weights[0]).sum()


@pytest.mark.parametrize("ema", [None, 0.9])
@pytest.mark.parametrize("killed_after", [1, 5])
def test_a_fit_that_was_stopped_goes_on_as_if_it_had_not(
    network, examples, options, tmp_path, monkeypatch, killed_after, ema
):
    options |= {"ema": ema, "epochs": 8}
    whole = fit_tail(network, *examples, **options | {"folder": tmp_path / "whole"})
    remember = fit._State.on_epoch_end

    def killed(self, epoch, logs=None):
        remember(self, epoch, logs)
        if epoch + 1 == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(fit._State, "on_epoch_end", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_tail(network, *examples, **options)
    monkeypatch.undo()
    resumed = fit_tail(network, *examples, **options)
    assert [epoch[MONITOR] for epoch in resumed.history] == pytest.approx(
        [epoch[MONITOR] for epoch in whole.history], abs=1e-5
    )
    assert_same_weights(whole, resumed, 1e-5)


@pytest.mark.parametrize("validated", [True, False])
def test_averaged_weights_are_what_is_kept(network, examples, options, tmp_path, validated):
    """The average lags behind the weights: it has moved less from where it started."""
    fitted, validation = examples
    validation = validation if validated else None
    options |= {"epochs": 3, "l2": 0.0}
    plain = fit_tail(network, fitted, validation, **options)
    averaged = fit_tail(
        network, fitted, validation, **options | {"ema": 0.95, "folder": tmp_path / "averaged"}
    )
    start = options["start"][0]
    moved = [np.linalg.norm(tail.weights[0] - start) for tail in (averaged, plain)]
    assert 0 < moved[0] < 0.9 * moved[1]
    if validated:
        assert cross_entropy(averaged, validation) == pytest.approx(
            averaged.best[MONITOR], abs=1e-4
        )


def test_a_finished_fit_is_read_not_repeated(network, examples, options):
    first = fit_tail(network, *examples, **options)
    files = {path: path.stat().st_mtime_ns for path in options["folder"].iterdir()}
    second = fit_tail(network, *examples, **options)
    assert {path: path.stat().st_mtime_ns for path in options["folder"].iterdir()} == files
    assert np.array_equal(second.weights[0], first.weights[0])


def test_without_validation_all_epochs_are_run(network, examples, options):
    tail = fit_tail(network, examples[0], None, **options | {"epochs": 4})
    assert len(tail.history) == tail.best_epoch == 4
    assert MONITOR not in tail.history[0]


def test_the_search_keeps_the_least_validation_loss(network, examples, options):
    options = {k: v for k, v in options.items() if k not in ("learning_rate", "l2")}
    options["epochs"] = 6
    tail, rows = search_tail(
        network, *examples, learning_rates=[1e-4, 0.01], l2=[0.0, 1.0], **options
    )
    assert len(rows) == 4
    best = min(rows, key=lambda row: row["val_loss"])
    assert (tail.learning_rate, tail.l2) == (best["learning_rate"], best["l2"])
    assert (tail.learning_rate, tail.l2) == (0.01, 0.0)
    assert best["epochs"] == tail.best_epoch


def test_an_epoch_shows_every_photo_and_as_many_epochs_every_view():
    rows = np.array([4, 2, 9, 7, 0])
    views = [np.arange(10.0)[:, None] + 100 * number for number in range(3)]
    examples = Examples(views, rows, rows % 4)
    batches = list(itertools.islice(draw_epochs(examples, 2, seed=1, first_epoch=0), 9))
    seen = np.concatenate([features[:, 0] for features, _ in batches]).reshape(3, 5)
    labels = np.concatenate([labels for _, labels in batches]).reshape(3, 5)
    for shown, true in zip(seen, labels, strict=True):
        assert sorted(shown % 100) == sorted(rows)
        assert np.array_equal(shown % 100 % 4, true)
    assert len(set(seen.ravel())) == 15
    assert not np.array_equal(seen[0] % 100, seen[1] % 100)
    resumed = list(itertools.islice(draw_epochs(examples, 2, seed=1, first_epoch=2), 3))
    assert np.array_equal(np.concatenate([f[:, 0] for f, _ in resumed]), seen[2])


def test_tensorboard_logs_are_written(network, examples, options):
    fit_tail(network, *examples, **options | {"epochs": 2})
    assert list(options["logs"].rglob("events.out.tfevents.*"))


def test_history_is_a_table(tmp_path):
    write_history(tmp_path / "history.csv", [{"loss": 2.0}, {"loss": 1.5}])
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert rows == [{"epoch": "1", "loss": "2.0"}, {"epoch": "2", "loss": "1.5"}]
