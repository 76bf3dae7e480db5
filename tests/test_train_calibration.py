"""Probabilities that are true, and sets that contain the truth as often as they say."""

import numpy as np
import pytest
from scipy.special import softmax

from dogbreed.prediction_set import SetRule, ranked_scores
from dogbreed.train.trust.calibration import (
    COVERAGE,
    MIN_PHOTOS,
    OUT_OF_FOLD,
    calibration_error,
    conformal_quantile,
    fit_sets,
    fit_temperature,
    probabilities,
    reliability,
    settle,
    tempered_cross_entropy,
    true_ranks,
    true_scores,
    with_head,
)
from dogbreed.train.trust.rejection import Learned, fit_rejection

CLASSES = 30


def draw(count: int, seed: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels: the labels are drawn from the softmax of the logits over `sharpness`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, CLASSES)) * 4
    chances = softmax(logits, axis=1)
    labels = np.array([rng.choice(CLASSES, p=row) for row in chances])
    return logits * sharpness, labels


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 2.5])
def test_the_temperature_undoes_the_sharpness(sharpness):
    logits, labels = draw(4000, 0, sharpness)
    assert fit_temperature(logits, labels) == pytest.approx(sharpness, rel=0.06)


def test_the_temperature_makes_probabilities_true():
    logits, labels = draw(4000, 0, 2.5)
    temperature = fit_temperature(logits, labels)
    new, truth = draw(4000, 1, 2.5)
    before = calibration_error(probabilities(new, 1.0), truth)
    after = calibration_error(probabilities(new, temperature), truth)
    assert before > 0.08 and after < 0.025


def test_the_cross_entropy_over_all_temperatures_does_not_depend_on_the_sharpness():
    found = [tempered_cross_entropy(*draw(1000, 0, sharpness)) for sharpness in (0.4, 1.0, 2.5)]
    assert found == pytest.approx([found[1]] * 3, rel=1e-3)
    logits, labels = draw(1000, 0)
    assert tempered_cross_entropy(logits + 3 * np.eye(CLASSES)[labels], labels) < found[1]


def test_the_calibration_error_of_known_answers():
    # Ten photos at 0.95, eight right; ten at 0.55, six right.
    sure, unsure = [0.95, 0.05], [0.55, 0.45]
    stated = np.array([sure] * 10 + [unsure] * 10)
    labels = np.array([0] * 8 + [1] * 2 + [0] * 6 + [1] * 4)
    assert calibration_error(stated, labels) == pytest.approx((0.15 + 0.05) / 2)
    rows = reliability(stated, labels)
    assert [(row["photos"], row["accuracy"]) for row in rows] == [(10, 0.6), (10, 0.8)]
    assert all(row["from"] <= row["confidence"] <= row["to"] for row in rows)


def test_certainty_belongs_to_the_last_bin():
    stated = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert calibration_error(stated, np.array([0, 1])) == pytest.approx(0.5)


def test_scores_of_ranks():
    ordered = np.array([[0.6, 0.3, 0.1]])
    np.testing.assert_allclose(ranked_scores(ordered, 0.0, 1), [[0, 0.6, 0.9]])
    np.testing.assert_allclose(ranked_scores(ordered, 0.2, 1), [[0, 0.8, 1.3]])
    np.testing.assert_allclose(ranked_scores(ordered, 0.2, 2), [[0, 0.6, 1.1]])


def test_a_set_has_the_first_labels_up_to_the_threshold_and_is_never_empty():
    stated = np.array([[0.1, 0.6, 0.3], [0.98, 0.01, 0.01], [0.4, 0.25, 0.35]])
    assert SetRule(0.9, 0.6, 0.0, 1).sizes(stated).tolist() == [2, 1, 2]
    assert SetRule(0.9, -1.0, 0.0, 1).sizes(stated).tolist() == [1, 1, 1]
    assert SetRule(0.9, 2.0, 0.0, 1).sizes(stated).tolist() == [3, 3, 3]


def test_the_true_label_has_the_score_of_its_rank():
    stated = np.array([[0.1, 0.6, 0.3], [0.4, 0.25, 0.35]])
    labels = np.array([0, 2])
    assert true_ranks(stated, labels).tolist() == [2, 1]
    np.testing.assert_allclose(true_scores(stated, labels, 0.0, 1), [0.9, 0.4])


def test_the_quantile_allows_for_the_new_photo():
    scores = np.arange(1.0, 20.0)  # 19: the 19th of 20 × 0.95.
    assert conformal_quantile(scores, 0.95) == 19
    assert conformal_quantile(np.arange(1.0, 100.0), 0.95) == 95
    with pytest.raises(ValueError, match="18 scores are too few"):
        conformal_quantile(scores[:-1], 0.95)


def coverage_and_size(rule: SetRule, stated: np.ndarray, labels: np.ndarray) -> tuple:
    sizes = rule.sizes(stated)
    return (true_ranks(stated, labels) < sizes).mean(), sizes.mean()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sets_cover_new_photos_as_often_as_they_say(seed):
    logits, labels = draw(2000, seed)
    rule = fit_sets(softmax(logits, axis=1), labels)
    assert rule.coverage == COVERAGE
    new, truth = draw(4000, seed + 10)
    coverage, size = coverage_and_size(rule, softmax(new, axis=1), truth)
    # 2,000 photos set the threshold: its coverage spreads by half a point.
    assert coverage == pytest.approx(COVERAGE, abs=0.015)
    assert 1 < size < CLASSES / 2


def test_the_guarantee_does_not_need_true_probabilities():
    logits, labels = draw(2000, 5, sharpness=3.0)
    rule = fit_sets(softmax(logits, axis=1), labels)
    new, truth = draw(4000, 6, sharpness=3.0)
    coverage, _ = coverage_and_size(rule, softmax(new, axis=1), truth)
    assert coverage == pytest.approx(COVERAGE, abs=0.015)


@pytest.mark.parametrize("count", [0, 1, MIN_PHOTOS - 1, MIN_PHOTOS, 400])
def test_what_the_photos_cannot_promise_is_not_promised(count):
    logits, labels = draw(count or 1, 7)
    logits, labels = logits[:count], labels[:count]
    dogs = logits, np.ones((count, 4))
    found = fit_rejection(None, dogs, None, seed=1) if count else None
    trust = settle(logits, labels, found, count, OUT_OF_FOLD)
    thresholds = trust.config()["thresholds"]
    assert (trust.photos, trust.dogs, trust.settled_on) == (count, count, OUT_OF_FOLD)
    assert ("is_dog" in thresholds) == (count > 0)
    assert ("prediction_set" in thresholds) == (count >= MIN_PHOTOS) == (trust.notes == [])
    if count < MIN_PHOTOS:
        assert trust.temperature == 1
        assert f"{count} photos are too few" in trust.notes[0]


def test_sets_of_few_photos_cover_what_they_say_on_average():
    """With 19 photos the threshold is the largest score; over many draws 95 % are covered."""
    covered = []
    for seed in range(300):
        logits, labels = draw(MIN_PHOTOS + 20, seed)
        stated = softmax(logits, axis=1)
        rule = fit_sets(stated[:MIN_PHOTOS], labels[:MIN_PHOTOS])
        new, truth = stated[MIN_PHOTOS:], labels[MIN_PHOTOS:]
        covered.append((true_ranks(new, truth) < rule.sizes(new)).mean())
    assert np.mean(covered) == pytest.approx(COVERAGE, abs=0.015)


def test_negatives_without_evidence_are_said_not_to_be_used():
    logits, labels = draw(100, 1)
    rng = np.random.default_rng(0)
    dogs, negatives = (logits, rng.normal(size=(100, 5))), (logits[:9], rng.normal(size=(9, 5)))
    learned = Learned(dogs[1], negatives[1])
    found = fit_rejection(learned, dogs, negatives, seed=1)
    trust = settle(logits, labels, found, 100, OUT_OF_FOLD)
    assert trust.rejection.scale is None and len(trust.compared) == 3
    assert trust.notes[0].startswith("The non-dog photos were not used (no score separates")


def test_another_head_takes_the_place_of_the_one_that_serves():
    rng = np.random.default_rng(0)
    pooled = rng.normal(size=(7, 5))
    served, other = ([rng.normal(size=(5, 3)), rng.normal(size=3)] for _ in range(2))
    # What rounding adds stays.
    rounding = rng.normal(size=(7, 3)) / 100
    logits = pooled @ served[0] + served[1] + rounding
    np.testing.assert_allclose(
        with_head((logits, pooled), served, other), pooled @ other[0] + other[1] + rounding
    )
