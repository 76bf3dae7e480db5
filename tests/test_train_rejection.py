"""The rule that refuses photos without a dog: how it is fitted, and what it is judged on."""

import numpy as np
import pytest

from dogbreed.train.rejection import (
    Answers,
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


def test_the_best_score_is_kept_and_refuses_one_dog_in_a_hundred(cloud):
    dogs, negatives = cloud
    rule, rows, unused = fit_rejection(dogs, negatives, seed=1)
    assert [row["method"] for row in rows] == ["energy", "logistic"]
    best = max(rows, key=lambda row: (row["auroc"], row["refused"]))
    assert rule.method == best["method"] and best["auroc"] > 0.99 and unused == ""
    of_dogs, of_negatives = rule.score(*dogs), rule.score(*negatives)
    # Half of the dogs settled it, so of the others a few more or less are below it.
    assert 0.004 <= (of_dogs < rule.threshold).mean() <= 0.016
    assert (of_negatives < rule.threshold).mean() > 0.95
    assert rule.probability(of_dogs).mean() > 0.9 > 0.1 > rule.probability(of_negatives).mean()


def test_a_learned_score_is_judged_on_photos_that_it_has_not_seen():
    """With features that mean nothing, a learned score does no better than guessing."""
    _, rows, _ = fit_rejection(noise(500, 1, 300), noise(100, 2, 300), seed=1)
    assert {row["method"]: row["auroc"] for row in rows}["logistic"] < 0.65


def test_without_negatives_the_energy_is_used_and_there_is_no_probability(cloud):
    dogs, _ = cloud
    rule, rows, unused = fit_rejection(dogs, None, seed=1)
    assert (rule.method, rule.scale, rule.offset, rows, unused) == ("energy", None, None, [], "")
    of_dogs = rule.score(dogs[0], None)
    assert 0.005 <= (of_dogs < rule.threshold).mean() <= 0.01
    assert rule.probability(of_dogs) is None
    assert (rule.score(np.full((1, CLASSES), -30.0), None) < rule.threshold).all()


@pytest.mark.parametrize("count", [5, 12, 40])
def test_negatives_that_mean_nothing_do_not_turn_the_rule_around(count):
    """However they fall, hardly any dog is refused, and no probability is made up."""
    probable = 0
    for seed in range(40):
        dogs = noise(200, seed)
        rule, rows, unused = fit_rejection(dogs, noise(count, 1000 + seed), seed)
        assert len(rows) == 2
        assert (rule.score(*dogs) < rule.threshold).mean() <= 0.05
        assert (rule.scale is None) == bool(unused)
        assert rule.scale is None or rule.scale > 0
        probable += rule.scale is not None
    assert probable <= 4


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_negatives_are_not_learned_from(cloud, count):
    dogs, negatives = cloud
    few = tuple(part[:count] for part in negatives)
    rule, rows, unused = fit_rejection(dogs, few, seed=1)
    assert (rule.method, rule.scale, rows) == ("energy", None, [])
    assert unused == f"{count} are too few to learn from"


def test_few_dogs_settle_the_energy_alone(cloud):
    dogs, negatives = cloud
    few = tuple(part[:6] for part in dogs)
    rule, _, unused = fit_rejection(few, negatives, seed=1)
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
    assert least_auroc(0.893, 51, 58) == pytest.approx(0.893 - 1.96 * 0.032, abs=0.002)
    assert least_auroc(1.0, 20, 5) == 1
    assert least_auroc(0.7, 200, 8) < 0.6


def test_separation_of_known_scores():
    dogs, negatives = np.arange(1.0, 201.0), np.array([-5.0, 0.0, 2.5, 100.5])
    found = separation(dogs, negatives)
    assert found["auroc"] == pytest.approx((200 + 200 + 198 + 100) / 800)
    # One per cent of 200 lies at 2.99.
    assert found["refused"] == pytest.approx(3 / 4)
