"""The rule that refuses photos without a dog: how it is fitted, and what it is judged on."""

import numpy as np
import pytest

from dogbreed.train.trust.rejection import (
    Answers,
    Found,
    Learned,
    fit_rejection,
    least_accepted,
    least_auroc,
    separation,
)

CHANNELS, CLASSES = 20, 4


@pytest.fixture(scope="module")
def cloud() -> tuple[Answers, Answers]:
    """Dogs in four clusters, and negatives far from all of them in one direction."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(CLASSES, CHANNELS)) * 3
    features = centers[np.arange(1200) % CLASSES] + rng.normal(size=(1200, CHANNELS))
    dogs = 12 - ((features[:, None] - centers) ** 2).sum(2) / 2, features
    features = rng.normal(size=(200, CHANNELS)) + np.eye(CHANNELS)[0] * 9
    # Logits that say little, so that the energy alone is not enough.
    return dogs, (rng.normal(size=(200, CLASSES)) * 3 - 2, features)


def noise(count: int, seed: int, channels: int = CHANNELS) -> Answers:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, CLASSES)), rng.normal(size=(count, channels))


def judged(dogs: Answers, negatives: Answers, seed: int = 1, copies: int = 1) -> Found:
    """Learn from one half of the dogs and settle on the other."""
    half = len(dogs[0]) // 2
    learned = Learned(dogs[1][:half], negatives[1])
    settling = tuple(part[half:] for part in dogs)
    return fit_rejection(learned, settling, negatives, copies=copies, seed=seed)


def test_copies_of_a_photo_are_in_the_same_fold():
    """A score that has learned one copy by heart knows the others, which would look like skill."""
    rng = np.random.default_rng(0)

    def copied(count: int) -> Answers:
        logits, features = rng.normal(size=(count, CLASSES)), rng.normal(size=(count, 300))
        return np.tile(logits, (3, 1)), np.tile(features, (3, 1))

    dogs, settling, negatives = copied(150), copied(150), copied(60)
    learned = Learned(dogs[1], negatives[1])
    _, rows, _ = fit_rejection(learned, settling, negatives, copies=3, seed=1)
    assert max(row["auroc"] for row in rows) < 0.65
    # As single photos they seem to be recognized.
    _, rows, _ = fit_rejection(learned, settling, negatives, copies=1, seed=1)
    assert {row["method"]: row["auroc"] for row in rows}["logistic"] > 0.8


def test_what_is_not_linear_is_learned_with_a_hidden_layer():
    rng = np.random.default_rng(0)

    def ring(count: int, radius: float) -> Answers:
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        features = directions * radius + rng.normal(size=(count, 3)) / 10
        return rng.normal(size=(count, CLASSES)), features

    rule, rows, unused = judged(ring(20000, 1), ring(3000, 3))
    found = {row["method"]: row["auroc"] for row in rows}
    assert found["mlp"] > 0.99 > 0.7 > found["logistic"]
    assert rule.method == "mlp" and unused == ""
    assert (rule.score(*ring(500, 1)) >= rule.threshold).mean() > 0.95
    assert (rule.score(*ring(500, 3)) < rule.threshold).mean() > 0.95


def test_the_best_score_is_kept_and_refuses_one_dog_in_a_hundred(cloud):
    dogs, negatives = cloud
    rule, rows, unused = judged(dogs, negatives)
    assert [row["method"] for row in rows] == ["energy", "logistic", "mlp"]
    best = max(rows, key=lambda row: (row["auroc"], row["refused"]))
    assert rule.method == best["method"] and best["auroc"] > 0.99 and unused == ""
    of_dogs, of_negatives = rule.score(*dogs), rule.score(*negatives)
    # Half of the dogs settled it, so of the others a few more or less are below it.
    assert 0.004 <= (of_dogs < rule.threshold).mean() <= 0.016
    assert (of_negatives < rule.threshold).mean() > 0.95
    assert rule.probability(of_dogs).mean() > 0.9 > 0.1 > rule.probability(of_negatives).mean()


def test_a_learned_score_is_judged_on_photos_that_it_has_not_seen():
    """With features that mean nothing, a learned score does no better than guessing."""
    _, rows, _ = judged(noise(500, 1, 300), noise(100, 2, 300))
    assert {row["method"]: row["auroc"] for row in rows}["logistic"] < 0.65


def test_without_negatives_the_energy_is_used_and_there_is_no_probability(cloud):
    dogs, _ = cloud
    rule, rows, unused = fit_rejection(None, dogs, None, seed=1)
    assert (rule.method, rule.scale, rule.offset, rows, unused) == ("energy", None, None, [], "")
    of_dogs = rule.score(dogs[0], None)
    assert 0.005 <= (of_dogs < rule.threshold).mean() <= 0.01
    assert rule.probability(of_dogs) is None
    assert (rule.score(np.full((1, CLASSES), -30.0), None) < rule.threshold).all()


@pytest.mark.parametrize("count", [5, 12, 40])
def test_negatives_that_mean_nothing_do_not_turn_the_rule_around(count, monkeypatch):
    """However they fall, hardly any dog is refused, and no probability is made up."""
    # One network is easier to lead astray than the mean of several.
    monkeypatch.setattr("dogbreed.train.trust.rejection.MLPS", 1)
    probable = 0
    for seed in range(40):
        dogs = noise(200, seed)
        rule, rows, unused = judged(dogs, noise(count, 1000 + seed), seed)
        assert len(rows) == 3
        assert (rule.score(*dogs) < rule.threshold).mean() <= 0.05
        assert (rule.scale is None) == bool(unused)
        assert rule.scale is None or rule.scale > 0
        probable += rule.scale is not None
    assert probable <= 4


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_negatives_are_not_learned_from(cloud, count):
    dogs, negatives = cloud
    few = tuple(part[:count] for part in negatives)
    rule, rows, unused = judged(dogs, few)
    assert (rule.method, rule.scale, rows) == ("energy", None, [])
    assert unused == f"{count} are too few to learn from"


def test_few_dogs_settle_the_energy_alone(cloud):
    dogs, negatives = cloud
    few = tuple(part[:4] for part in dogs)
    learned = Learned(dogs[1], negatives[1])
    rule, _, unused = fit_rejection(learned, few, negatives, seed=1)
    assert rule.method == "energy" and unused
    assert rule.threshold == rule.score(few[0], None).min()


def test_a_new_dog_is_refused_once_in_a_hundred():
    assert least_accepted(np.arange(1.0, 100.0)) == 1
    assert least_accepted(np.arange(1.0, 200.0)) == 2
    assert least_accepted(np.array([3.0, 2.0])) == 2
    rng = np.random.default_rng(0)
    refused = [rng.normal() < least_accepted(rng.normal(size=199)) for _ in range(4000)]
    assert np.mean(refused) == pytest.approx(0.01, abs=0.004)


def test_the_end_of_the_interval_of_an_auroc():
    """The example of Hanley and McNeil 1982: 0.893 with a standard error of 0.032."""
    assert least_auroc(0.893, 51, 58) == pytest.approx(0.893 - 3 * 0.032, abs=0.003)
    assert least_auroc(1.0, 20, 5) == 1
    assert least_auroc(0.7, 200, 8) < 0.6


def test_separation_of_known_scores():
    dogs, negatives = np.arange(1.0, 201.0), np.array([-5.0, 0.0, 2.5, 100.5])
    found = separation(dogs, negatives)
    assert found["auroc"] == pytest.approx((200 + 200 + 198 + 100) / 800)
    # One per cent of 200 lies at 2.99.
    assert found["refused"] == pytest.approx(3 / 4)
