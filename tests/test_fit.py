"""The head is fitted with early stopping, repeats exactly, and goes on after a kill."""

import csv

import numpy as np
import pytest

from dogbreed.train import fit
from dogbreed.train.fit import MONITOR, fit_head, search_head, shuffled_rows, write_history


@pytest.fixture(scope="module")
def examples():
    """Noisy linear classes: training and validation features with labels."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1200, 32)).astype(np.float16)
    logits = features.astype(np.float32) @ rng.normal(size=(32, 4)) + rng.normal(size=(1200, 4)) * 4
    labels = logits.argmax(axis=1)
    return features[:800], labels[:800], (features[800:], labels[800:])


@pytest.fixture
def options(tmp_path):
    return {
        "num_classes": 4,
        "learning_rate": 0.01,
        "l2": 1e-4,
        "epochs": 60,
        "patience": 3,
        "seed": 5,
        "folder": tmp_path / "fit",
        "logs": tmp_path / "logs",
    }


def cross_entropy(head, features, labels) -> float:
    logits = features.astype(np.float64) @ head.kernel + head.bias
    logits -= logits.max(axis=1, keepdims=True)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())


def test_it_stops_early_and_keeps_the_best_epoch(examples, options):
    head = fit_head(*examples, **options)
    losses = [epoch[MONITOR] for epoch in head.history]
    assert len(losses) < options["epochs"]
    assert len(losses) - head.best_epoch == options["patience"]
    assert head.best[MONITOR] == min(losses)
    # The weights are those of that epoch, and the loss is the one without L2.
    assert cross_entropy(head, *examples[2]) == pytest.approx(min(losses), abs=1e-4)
    assert head.best["val_accuracy"] > 0.5


def test_the_same_seed_gives_the_same_head(examples, options, tmp_path):
    first = fit_head(*examples, **options)
    again = fit_head(*examples, **options | {"folder": tmp_path / "again"})
    np.testing.assert_allclose(again.kernel, first.kernel, atol=1e-6)
    np.testing.assert_allclose(again.bias, first.bias, atol=1e-6)
    other = fit_head(*examples, **options | {"folder": tmp_path / "other", "seed": 6})
    assert not np.allclose(other.kernel, first.kernel, atol=1e-6)


@pytest.mark.parametrize("killed_after", [1, 5])
def test_a_fit_that_was_stopped_goes_on_as_if_it_had_not(
    examples, options, tmp_path, monkeypatch, killed_after
):
    whole = fit_head(*examples, **options | {"folder": tmp_path / "whole"})
    remember = fit._State.on_epoch_end

    def killed(self, epoch, logs=None):
        remember(self, epoch, logs)
        if epoch + 1 == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(fit._State, "on_epoch_end", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_head(*examples, **options)
    monkeypatch.undo()
    resumed = fit_head(*examples, **options)
    assert [epoch[MONITOR] for epoch in resumed.history] == pytest.approx(
        [epoch[MONITOR] for epoch in whole.history], abs=1e-6
    )
    np.testing.assert_allclose(resumed.kernel, whole.kernel, atol=1e-6)


def test_a_finished_fit_is_read_not_repeated(examples, options):
    first = fit_head(*examples, **options)
    files = {path: path.stat().st_mtime_ns for path in options["folder"].iterdir()}
    second = fit_head(*examples, **options)
    assert {path: path.stat().st_mtime_ns for path in options["folder"].iterdir()} == files
    assert np.array_equal(second.kernel, first.kernel)


def test_without_validation_all_epochs_are_run(examples, options):
    features, labels, _ = examples
    head = fit_head(features, labels, None, **options | {"epochs": 4})
    assert len(head.history) == head.best_epoch == 4
    assert MONITOR not in head.history[0]


def test_the_search_keeps_the_least_validation_loss(examples, options):
    options = {k: v for k, v in options.items() if k not in ("learning_rate", "l2")}
    head, rows = search_head(*examples, learning_rates=[1e-4, 0.01], l2=[0.0, 1.0], **options)
    assert len(rows) == 4
    best = min(rows, key=lambda row: row["val_loss"])
    assert (head.learning_rate, head.l2) == (best["learning_rate"], best["l2"])
    assert (head.learning_rate, head.l2) == (0.01, 0.0)
    assert best["epochs"] == head.best_epoch


def test_every_row_comes_once_an_epoch_in_an_order_of_its_own():
    batches = iter(shuffled_rows(10, 4, seed=3, first_epoch=0))
    epochs = [np.concatenate([next(batches).numpy() for _ in range(3)]) for _ in range(3)]
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(10))
    assert not np.array_equal(epochs[0], epochs[1])
    resumed = iter(shuffled_rows(10, 4, seed=3, first_epoch=2))
    assert np.array_equal(np.concatenate([next(resumed).numpy() for _ in range(3)]), epochs[2])


def test_tensorboard_logs_are_written(examples, options):
    fit_head(*examples, **options | {"epochs": 2})
    assert list(options["logs"].rglob("events.out.tfevents.*"))


def test_history_is_a_table(tmp_path):
    write_history(tmp_path / "history.csv", [{"loss": 2.0}, {"loss": 1.5}])
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert rows == [{"epoch": "1", "loss": "2.0"}, {"epoch": "2", "loss": "1.5"}]
