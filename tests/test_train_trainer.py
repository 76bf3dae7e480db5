"""A fit stops early, repeats exactly, continues after a kill, and is cached by all its inputs."""

import itertools

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from dogbreed.errors import UsageError
from dogbreed.full_disk import full_disk_explained
from dogbreed.train import resumable
from dogbreed.train.network.trainer import Trainer, draw_epochs
from dogbreed.train.resumable import MONITOR, History, best_epoch
from tests.helpers.small_disk import fill, make_room

ROWS = np.arange(1200)
TRAINED, VALIDATED = ROWS[:800], ROWS[800:]


@pytest.fixture(scope="module")
def photos() -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of noisy linear classes."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1200, 32)).astype(np.float16)
    logits = features.astype(np.float32) @ rng.normal(size=(32, 4)) + rng.normal(size=(1200, 4)) * 4
    return features, logits.argmax(axis=1)


@pytest.fixture
def network() -> keras.Model:
    """A head for these features with random weights."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((32,))
    return keras.Model(inputs, keras.layers.Dense(4, name="predictions")(inputs))


@pytest.fixture
def make(network, photos, tmp_path):
    """Makes a trainer; what is not given is as below."""

    def run(folder="fit", view=photos[0], labels=photos[1], **options) -> Trainer:
        given = {"batch_size": 256, "patience": 3, "seed": 5, **options}
        return Trainer(network, [view], labels, tmp_path / folder, **given)

    return run


@pytest.fixture
def fit(make, network):
    """Runs a fit; what is not given is as below."""
    begin = network.get_weights()

    def run(folder="fit", seed=5, validated=True, **options):
        given = {"learning_rate": 0.01, "l2": 1e-4, "epochs": 60, **options}
        split = TRAINED, VALIDATED if validated else None
        return make(folder, seed=seed).fit("head", split, begin, **given)

    return run


def cross_entropy(weights: list[np.ndarray], features: np.ndarray, labels: np.ndarray) -> float:
    kernel, bias = weights
    logits = features.astype(np.float64) @ kernel + bias
    logits -= logits.max(axis=1, keepdims=True)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())


def assert_same_weights(one: list, other: list, atol: float = 1e-6) -> None:
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(second, first, atol=atol)


def losses(history: History) -> list[float]:
    return [epoch[MONITOR] for epoch in history]


def test_it_stops_early_and_keeps_the_best_epoch(fit, photos):
    weights, history = fit(learning_rate=0.05)
    assert len(history) < 60
    assert len(history) - best_epoch(history) == 3
    best = history[best_epoch(history) - 1]
    assert best[MONITOR] == min(losses(history))
    # The weights are those of that epoch, and the loss is the one without L2.
    features, labels = photos
    measured = cross_entropy(weights, features[VALIDATED], labels[VALIDATED])
    assert measured == pytest.approx(min(losses(history)), abs=1e-4)
    assert best["val_accuracy"] > 0.5


def test_the_same_seed_gives_the_same_weights(fit):
    first, _ = fit(epochs=8)
    again, _ = fit("again", epochs=8)
    assert_same_weights(first, again)
    other, _ = fit("other", seed=6, epochs=8)
    assert not np.allclose(other[0], first[0], atol=1e-6)


def test_the_rate_falls_to_zero(fit, network):
    kernels = [network.get_weights()[0]]
    for stop_after in (1, 7, 8):
        weights, _ = fit(str(stop_after), epochs=8, stop_after=stop_after, validated=False)
        kernels.append(weights[0])
    first, last = np.abs(kernels[1] - kernels[0]).sum(), np.abs(kernels[3] - kernels[2]).sum()
    assert 0 < last < 0.2 * first


def test_a_fit_comes_close_to_the_optimum(fit, photos):
    """That of a solver which stops only when nothing is left to gain; the problem is convex."""
    features, labels = photos[0][TRAINED].astype(np.float64), photos[1][TRAINED]
    l2 = 0.01

    def loss(kernel: np.ndarray, bias: np.ndarray) -> float:
        return cross_entropy([kernel, bias], features, labels) + l2 * np.square(kernel).sum()

    solver = LogisticRegression(C=1 / (2 * l2 * len(labels)), tol=1e-8, max_iter=1000)
    solver.fit(features, labels)
    least = loss(solver.coef_.T, solver.intercept_)
    (kernel, bias), _ = fit(l2=l2, epochs=40, learning_rate=0.03, validated=False)
    # At a fixed rate it stays 2 % above.
    assert least < loss(kernel, bias) < 1.01 * least


def test_l2_keeps_the_kernel_small(fit):
    free, _ = fit(l2=0.0, epochs=10)
    bound, _ = fit(l2=0.1, epochs=10)
    assert np.abs(bound[0]).sum() < 0.8 * np.abs(free[0]).sum()


@pytest.mark.parametrize("killed_after", [1, 5])
def test_a_fit_that_was_stopped_continues_as_if_it_had_not_been(fit, monkeypatch, killed_after):
    whole, history = fit("whole", epochs=8)
    remember = resumable._State.on_epoch_end

    def killed(self, epoch, logs=None):
        remember(self, epoch, logs)
        if epoch + 1 == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(resumable._State, "on_epoch_end", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(epochs=8)
    monkeypatch.undo()
    resumed, resumed_history = fit(epochs=8)
    assert losses(resumed_history) == pytest.approx(losses(history), abs=1e-5)
    assert_same_weights(whole, resumed, 1e-5)


def test_a_fit_that_fills_the_disk_continues_when_there_is_room(fit, disk):
    whole, history = fit("whole", epochs=4)
    # Enough for the first epochs.
    fill(disk, 30_000)
    with pytest.raises(UsageError, match="The disk is full"), full_disk_explained():
        fit("disk/fit", epochs=4)
    make_room(disk)
    resumed, resumed_history = fit("disk/fit", epochs=4)
    assert losses(resumed_history) == pytest.approx(losses(history), abs=1e-5)
    assert_same_weights(whole, resumed, 1e-5)


def test_a_finished_fit_is_read_not_repeated(fit, tmp_path):
    def files() -> dict:
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    first, _ = fit(epochs=8)
    before = files()
    second, _ = fit(epochs=8)
    assert files() == before
    assert np.array_equal(second[0], first[0])


def test_every_input_of_a_fit_is_part_of_its_folder(make, network, photos):
    """Whatever is changed, the fit is not taken from the cache of another one."""
    (features, labels), start = photos, network.get_weights()
    moved = [weight + np.float32(0.25) for weight in start]
    split, given = (TRAINED, VALIDATED), {"learning_rate": 0.01, "l2": 1e-4, "epochs": 60}
    usual = make()
    folders = [
        usual.folder_of("head", split, start, **given),
        *(
            usual.folder_of("head", split, start, **given | change)
            for change in ({"learning_rate": 0.02}, {"l2": 0.5}, {"epochs": 3})
        ),
        usual.folder_of("other", split, start, **given),
        usual.folder_of("head", split, moved, **given),
        usual.folder_of("head", (TRAINED, None), start, **given),
        usual.folder_of("head", (TRAINED[:-1], VALIDATED), start, **given),
        usual.folder_of("head", (TRAINED, VALIDATED[:-1]), start, **given),
        *(
            make(**change).folder_of("head", split, start, **given)
            for change in (
                {"batch_size": 128},
                {"patience": 4},
                {"seed": 6},
                {"view": features + np.float16(1)},
                {"labels": np.roll(labels, 1)},
            )
        ),
    ]
    assert len(set(folders)) == len(folders)
    assert make().folder_of("head", split, start, **given) == folders[0]


def test_without_validation_all_epochs_are_run(fit):
    _, history = fit(validated=False, epochs=4)
    assert len(history) == best_epoch(history) == 4
    assert MONITOR not in history[0]


def test_an_epoch_shows_every_photo_and_as_many_epochs_every_view():
    rows, labels = np.array([4, 2, 9, 7, 0]), np.arange(10) % 4
    views = [np.arange(10.0)[:, None] + 100 * number for number in range(3)]

    def batches(first_epoch: int, count: int) -> list:
        drawn = draw_epochs(views, labels, rows, 2, seed=1, first_epoch=first_epoch)
        return list(itertools.islice(drawn, count))

    seen = np.concatenate([features[:, 0] for features, _ in batches(0, 9)]).reshape(3, 5)
    told = np.concatenate([labels for _, labels in batches(0, 9)]).reshape(3, 5)
    for shown, true in zip(seen, told, strict=True):
        assert sorted(shown % 100) == sorted(rows)
        assert np.array_equal(shown % 100 % 4, true)
    assert len(set(seen.ravel())) == 15
    assert not np.array_equal(seen[0] % 100, seen[1] % 100)
    assert np.array_equal(np.concatenate([f[:, 0] for f, _ in batches(2, 3)]), seen[2])


def test_tensorboard_logs_are_written(fit, tmp_path):
    fit(epochs=2)
    assert list(tmp_path.rglob("logs/**/events.out.tfevents.*"))
