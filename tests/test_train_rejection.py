"""The rule that refuses photos without a dog: how it is fitted, and what it is judged on."""

import numpy as np
import pytest

from dogbreed.train.rejection import Answers, fit_rejection, separation

CHANNELS, CLASSES = 20, 4


@pytest.fixture(scope="module")
def cloud() -> tuple[Answers, Answers, Answers]:
    """Dogs in four clusters, twice, and negatives far from all of them in one direction."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(CLASSES, CHANNELS)) * 3

    def dogs(count: int) -> Answers:
        features = centers[np.arange(count) % CLASSES] + rng.normal(size=(count, CHANNELS))
        return 12 - ((features[:, None] - centers) ** 2).sum(2) / 2, features

    features = rng.normal(size=(200, CHANNELS)) + np.eye(CHANNELS)[0] * 9
    # Logits that say little, so that the energy alone is not enough.
    negatives = rng.normal(size=(200, CLASSES)) * 3 - 2, features
    return dogs(800), dogs(400), negatives


def test_the_best_score_is_kept_and_refuses_one_dog_in_a_hundred(cloud):
    (_, dogs), validation, negatives = cloud
    rule, rows = fit_rejection(dogs, validation, negatives, seed=1)
    assert [row["method"] for row in rows] == ["energy", "logistic"]
    best = max(rows, key=lambda row: (row["auroc"], row["refused"]))
    assert rule.method == best["method"] and best["auroc"] > 0.99
    of_dogs, of_negatives = rule.score(*validation), rule.score(*negatives)
    assert 0.005 <= (of_dogs < rule.threshold).mean() <= 0.01
    assert (of_negatives < rule.threshold).mean() > 0.95
    assert rule.probability(of_dogs).mean() > 0.9 > 0.1 > rule.probability(of_negatives).mean()


def test_a_learned_score_is_judged_on_photos_that_it_has_not_seen():
    """With features that mean nothing, a learned score does no better than guessing."""
    rng = np.random.default_rng(2)

    def noise(count: int) -> Answers:
        return rng.normal(size=(count, CLASSES)), rng.normal(size=(count, 300))

    _, rows = fit_rejection(noise(300)[1], noise(200), noise(100), seed=1)
    assert {row["method"]: row["auroc"] for row in rows}["logistic"] < 0.65


def test_without_negatives_the_energy_is_used_and_there_is_no_probability(cloud):
    (_, dogs), validation, _ = cloud
    rule, rows = fit_rejection(dogs, validation, None, seed=1)
    assert (rule.method, rule.scale, rule.offset, rows) == ("energy", None, None, [])
    of_dogs = rule.score(validation[0], None)
    assert 0.005 <= (of_dogs < rule.threshold).mean() <= 0.01
    assert rule.probability(of_dogs) is None
    assert (rule.score(np.full((1, CLASSES), -30.0), None) < rule.threshold).all()


def test_separation_of_known_scores():
    dogs, negatives = np.arange(1.0, 201.0), np.array([-5.0, 0.0, 2.5, 100.5])
    found = separation(dogs, negatives)
    assert found["auroc"] == pytest.approx((200 + 200 + 198 + 100) / 800)
    # One per cent of 200 lies at 2.99.
    assert found["refused"] == pytest.approx(3 / 4)
