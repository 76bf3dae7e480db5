"""Metrics are checked against answers that are known."""

import numpy as np
import pytest

from dogbreed.train.measure.metrics import accuracy, dog_metrics, rejection_metrics
from tests.helpers.answers import known, negatives, trusted


def test_accuracy():
    answered = known()
    measured = accuracy(answered.logits, answered.labels)
    assert measured["top_1"] == pytest.approx(3 / 6)
    assert measured["top_3"] == pytest.approx(5 / 6)
    assert measured["macro_top_1"] == pytest.approx((2 / 4 + 0 + 1) / 3)


def test_metrics_of_trust():
    measured = dog_metrics(trusted())
    # The third photo's true label is second and its set has one label; the fourth's has all.
    assert measured["set_coverage"] == pytest.approx(5 / 6)
    assert measured["set_size"] == pytest.approx(11 / 6)
    assert measured["dogs_refused"] == pytest.approx(1 / 6)
    # Logits 4, 3, 2, 1 for every photo, of which half are right.
    for name, temperature in (("ece", 0.5), ("ece_untempered", 1.0)):
        shares = np.exp(np.array([4, 3, 2, 1]) / temperature)
        assert measured[name] == pytest.approx(shares[0] / shares.sum() - 0.5)


def test_a_bundle_that_says_nothing_about_trust_has_no_metrics_of_it():
    assert set(dog_metrics(known(temperature=0.5))) == {
        "top_1",
        "top_3",
        "macro_top_1",
        "ece",
        "ece_untempered",
        "sure",
    }


def test_sure_answers_and_how_many_of_them_are_wrong():
    # With logits 4, 3, 2, 1 the first answer has 0.993 at this temperature, and 0.86 at 0.5.
    measured = dog_metrics(trusted(temperature=0.2))
    assert measured["sure"] == 1
    # The fourth is wrong too, but refused.
    assert measured["sure_wrong"] == pytest.approx(2 / 5)
    unsure = dog_metrics(trusted(temperature=0.5))
    assert unsure["sure"] == 0 and "sure_wrong" not in unsure
    refused = dog_metrics(trusted(refused=np.ones(6, bool)))
    assert "sure" not in refused and "sure_wrong" not in refused


def test_some_of_the_answers():
    kept = np.array([True, False, False, True, True, False])
    part = trusted(groups=["a", "b", "b", "a", "b", "b"]).select(kept)
    assert part.groups == ["a", "a", "b"] and part.rows.tolist() == [0, 3, 4]
    assert part.labels.tolist() == [0, 0, 1] and part.set_sizes.tolist() == [1, 4, 2]
    assert part.refused.tolist() == [False, True, False] and len(part.logits) == 3
    assert part.dog_scores.tolist() == [0.99, 0.2, 0.97]


def test_metrics_of_rejection():
    dogs, others = trusted(), negatives()
    measured = rejection_metrics(dogs, others)
    below = [sum(dog > other for other in others.dog_scores) for dog in dogs.dog_scores]
    ties = 0.5  # A dog and one of the negatives have the same score.
    assert measured["is_dog_auroc"] == pytest.approx((sum(below) + ties) / 24)
    assert measured["negatives_refused"] == 0.75
    assert measured["negatives_refused_at_1"] == pytest.approx(2 / 4)
