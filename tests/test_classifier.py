"""The classifier: its answers from a network whose evidence is known."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from loky import cpu_count
from PIL import Image

from dogbreed import DogBreedClassifier, Prediction
from dogbreed.bundle import read_bundle
from dogbreed.errors import BundleError, DogBreedError, InvalidImageError
from dogbreed.wording import as_json, not_shown, trust_line
from tests.helpers.encoded import encode, smooth
from tests.helpers.tiny_bundle import (
    CELLS,
    LABELS,
    NAMES,
    SIZE,
    TEMPERATURE,
    THRESHOLDS,
    assert_one_sentence,
    draw_disc,
    expected_evidence,
    noise,
    write_bundle,
    write_trusted,
)


@pytest.fixture(scope="module")
def classifier(tiny) -> DogBreedClassifier:
    """The classifier of the small bundle."""
    return DogBreedClassifier.from_pretrained(tiny)


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    exponentials = np.exp(logits / temperature)
    return exponentials / exponentials.sum()


def same(one: Prediction, other: Prediction) -> bool:
    """Whether two predictions are the same to the last bit."""
    return one == other and np.array_equal(one.evidence_map, other.evidence_map)


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_are_the_softmax_of_the_mean_evidence(classifier, seed):
    photo = noise(SIZE, SIZE, seed)
    evidence = expected_evidence(photo)
    expected = softmax(evidence.mean(axis=(0, 1)), TEMPERATURE)
    order = sorted(range(3), key=lambda number: -expected[number])

    prediction = classifier.predict(photo)
    assert prediction.ids == tuple(order)
    assert prediction.labels == tuple(NAMES[number] for number in order)
    assert prediction.probabilities == pytest.approx(expected[order], abs=1e-6)
    assert sum(prediction.probabilities) == pytest.approx(1)
    assert np.allclose(prediction.evidence_map, evidence, atol=1e-5)


def test_evidence_is_where_the_color_is(classifier):
    prediction = classifier.predict(draw_disc(color="red"))
    assert prediction.labels[0] == "Red disc"
    evidence = prediction.evidence()
    assert evidence.shape == (CELLS, CELLS)
    assert evidence[1:3, 1:3] == pytest.approx(1)
    assert evidence[:, 4:] == pytest.approx(-1)
    assert evidence[4:] == pytest.approx(-1)
    assert np.array_equal(evidence, prediction.evidence("Red disc"))
    assert prediction.evidence("Blue triangle") == pytest.approx(-1)
    # Not mirrored and not turned: a disc elsewhere is seen elsewhere.
    turned = classifier.predict(draw_disc().transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert np.allclose(turned.evidence("Red disc"), evidence[:, ::-1], atol=1e-6)


def test_the_mean_of_the_evidence_is_the_logit(classifier):
    prediction = classifier.predict(noise(SIZE, SIZE, 7))
    assert prediction.evidence_map.shape == (CELLS, CELLS, 3)
    assert prediction.evidence_map.dtype == np.float32
    logits = np.array([prediction.evidence(name).mean(dtype=float) for name in NAMES])
    expected = dict(zip(NAMES, softmax(logits, TEMPERATURE), strict=True))
    assert prediction.as_dict() == pytest.approx(expected)


def test_evidence_for_another_label_is_refused(classifier):
    prediction = classifier.predict(draw_disc(), top_k=1)
    for label in ("Poodle", "Blue triangle", LABELS[0], ""):
        with pytest.raises(KeyError):
            prediction.evidence(label)


def test_top_k(classifier):
    photo = noise(SIZE, SIZE, 3)
    everything = classifier.predict(photo)
    for top_k in (1, 2, 3, 4, 100):
        prediction = classifier.predict(photo, top_k)
        assert prediction.labels == everything.labels[:top_k]
        assert prediction.probabilities == everything.probabilities[:top_k]
        assert len(prediction.ids) == min(top_k, 3)
    for top_k in (0, -1):
        with pytest.raises(ValueError, match="top_k"):
            classifier.predict(photo, top_k)


def test_as_dict_is_best_first(classifier):
    prediction = classifier.predict(np.full((SIZE, SIZE, 3), (40, 120, 200), np.uint8))
    as_dict = prediction.as_dict()
    assert list(as_dict) == ["Blue triangle", "Green square", "Red disc"]
    assert tuple(as_dict.values()) == prediction.probabilities
    assert all(type(value) is float for value in as_dict.values())
    assert sorted(as_dict.values(), reverse=True) == list(as_dict.values())


def test_a_batch_is_answered_like_each_photo_alone(classifier):
    photos = [draw_disc(color="red"), noise(40, 20), draw_disc(64, "blue")]
    predictions = classifier.predict_batch(iter(photos), top_k=2)
    assert [p.labels[0] for p in predictions][::2] == ["Red disc", "Blue triangle"]
    for photo, prediction in zip(photos, predictions, strict=True):
        assert len(prediction.labels) == 2
        assert same(prediction, classifier.predict(photo, top_k=2))
    assert classifier.predict_batch([]) == []


def test_each_photo_gets_its_answer_or_its_error_in_order(classifier):
    photos = [draw_disc(), b"not a photo", noise(SIZE, SIZE), np.zeros((4, 4, 3), np.uint8)]
    answers = list(classifier.predict_each(iter(photos * 5), top_k=2))
    assert len(answers) == 20
    for photo, answer in zip(photos * 5, answers, strict=True):
        if isinstance(answer, InvalidImageError):
            with pytest.raises(InvalidImageError) as caught:
                classifier.predict(photo)
            assert str(caught.value) == str(answer)
        else:
            assert same(answer, classifier.predict(photo, top_k=2))
    assert [isinstance(answer, Prediction) for answer in answers[:4]] == [True, False] * 2
    with pytest.raises(ValueError, match="top_k"):
        next(classifier.predict_each([], top_k=0))


def test_answers_to_any_number_of_photos_need_the_memory_of_a_few(classifier):
    taken = 0

    def photos():
        nonlocal taken
        for seed in range(10_000):
            taken += 1
            yield noise(SIZE, SIZE, seed)

    answers = classifier.predict_each(photos())
    for count in range(1, 30):
        next(answers)
        assert taken <= count + 2 * cpu_count()
    answers.close()
    assert taken <= 30 + 2 * cpu_count()


def test_a_network_that_answers_with_nonsense_is_named(tmp_path):
    classifier = DogBreedClassifier.from_pretrained(write_bundle(tmp_path / "bundle"))
    with pytest.raises(BundleError, match="not finite") as caught:
        classifier.interpret(np.full((CELLS, CELLS, 3), np.nan, np.float32), None, 3)
    assert_one_sentence(str(caught.value))


def test_how_far_to_trust_an_answer(tmp_path):
    """Against the definitions, from the colors of the photo."""
    classifier = DogBreedClassifier.from_pretrained(write_trusted(tmp_path / "trusted"))
    seen = set()
    for color in ((200, 120, 40), (150, 140, 130), (40, 120, 200), (250, 10, 10)):
        prediction = classifier.predict(np.full((SIZE, SIZE, 3), color, np.uint8), top_k=2)
        red, _, blue = np.array(color) / 127.5 - 1
        is_dog = 1 / (1 + np.exp(-(2 * (red - blue + 0.25) + 0.5)))
        assert prediction.is_dog == pytest.approx(is_dog, abs=1e-5)
        assert prediction.looks_like_dog == (is_dog >= 0.4)
        shares = softmax(np.array(color) / 127.5 - 1, TEMPERATURE)
        order = np.argsort(-shares)
        before = np.cumsum(shares[order]) - shares[order]
        assert prediction.prediction_set == tuple(NAMES[i] for i in order[before <= 0.8])
        assert prediction.coverage == 0.95
        assert len(prediction.labels) == 2
        seen.add((prediction.looks_like_dog, len(prediction.prediction_set)))
    assert {known for known, _ in seen} == {True, False} and len({n for _, n in seen}) > 1


def test_the_energy_needs_no_features(tmp_path):
    thresholds = THRESHOLDS | {
        "is_dog": {"method": "energy", "scale": 1.0, "offset": 0.0, "threshold": 0.0}
    }
    path = write_bundle(tmp_path / "energy", thresholds=thresholds)
    photo = noise(SIZE, SIZE)
    prediction = DogBreedClassifier.from_pretrained(path).predict(photo)
    energy = np.log(np.exp(expected_evidence(photo).mean(axis=(0, 1))).sum())
    assert prediction.is_dog == pytest.approx(1 / (1 + np.exp(-energy)), abs=1e-5)


def trusted(path: Path, thresholds: dict, image: object) -> Prediction:
    """The answer of a bundle with these thresholds."""
    bundle = write_trusted(path, thresholds=thresholds)
    return DogBreedClassifier.from_pretrained(bundle).predict(image)


def test_a_rule_without_negatives_has_no_probability(tmp_path):
    """It says whether there is a dog, and JSON, lines and sentence say no more than that."""
    photo = noise(SIZE, SIZE)
    energy = np.log(np.exp(expected_evidence(photo).mean(axis=(0, 1))).sum())
    for name, threshold in (("accepts", energy - 0.1), ("refuses", energy + 0.1)):
        is_dog = {"method": "energy", "threshold": threshold}
        answer = trusted(tmp_path / name, THRESHOLDS | {"is_dog": is_dog}, photo)
        assert answer.dog_score == pytest.approx(energy, abs=1e-5)
        assert answer.is_dog is None and answer.looks_like_dog == (name == "accepts")
        bundle = read_bundle(tmp_path / name)
        assert as_json(answer, bundle)["is_dog"] is None
        assert (trust_line(answer) == not_shown()) == (name == "refuses")


def test_what_a_bundle_does_not_promise_is_not_said(tmp_path):
    """Either threshold may be missing, where there were too few photos to settle it."""
    dog = np.full((SIZE, SIZE, 3), (250, 10, 10), np.uint8)
    sets, is_dog = ({name: THRESHOLDS[name]} for name in ("prediction_set", "is_dog"))
    answer = trusted(tmp_path / "sets", sets, dog)
    assert (answer.dog_score, answer.is_dog, answer.looks_like_dog) == (None, None, True)
    assert answer.coverage == 0.95 and "With 95%" in trust_line(answer)

    answer = trusted(tmp_path / "is_dog", is_dog, dog)
    assert answer.is_dog > 0.9 and answer.looks_like_dog
    assert (answer.prediction_set, answer.coverage, trust_line(answer)) == ((), None, None)
    written = as_json(answer, read_bundle(tmp_path / "is_dog"))
    assert (written["prediction_set"], written["coverage"]) == ([], None)
    blue = trusted(tmp_path / "again", is_dog, np.full((SIZE, SIZE, 3), (10, 10, 250), np.uint8))
    assert not blue.looks_like_dog and trust_line(blue) == not_shown()


def test_a_bundle_that_promises_nothing(classifier):
    prediction = classifier.predict(draw_disc())
    assert (prediction.is_dog, prediction.coverage) == (None, None)
    assert prediction.looks_like_dog and prediction.prediction_set == ()


def test_an_earlier_answer_stays_as_it_was(classifier):
    first = classifier.predict(draw_disc(color="red"))
    before = first.evidence_map.copy()
    classifier.predict(draw_disc(color="blue"))
    assert np.array_equal(first.evidence_map, before)


def test_temperature_changes_probabilities_but_not_the_order(tmp_path):
    photo = np.full((SIZE, SIZE, 3), (200, 120, 40), np.uint8)
    logits = expected_evidence(photo).mean(axis=(0, 1))
    best = []
    for temperature in (0.01, 0.5, 1, 4):
        path = write_bundle(tmp_path / str(temperature), temperature=temperature)
        prediction = DogBreedClassifier.from_pretrained(path).predict(photo)
        assert prediction.labels == NAMES
        assert prediction.probabilities == pytest.approx(softmax(logits, temperature), abs=1e-5)
        best.append(prediction.probabilities[0])
    assert best == sorted(best, reverse=True) and best[0] > best[-1]


def test_the_photo_is_fitted_as_the_config_says(tmp_path):
    photo = np.zeros((32, 64, 3), np.uint8)
    photo[:, :16, 0] = 255  # Red on the left, outside of what a crop shows.
    photo[:, 16:, 2] = 255
    red = {}
    for resize in ("squash", "letterbox", "crop"):
        preprocessing = {"scale": "inception", "resize": resize}
        path = write_bundle(tmp_path / resize, preprocessing=preprocessing)
        red[resize] = DogBreedClassifier.from_pretrained(path).predict(photo).evidence("Red disc")
    assert red["squash"][:, 0] == pytest.approx(1)
    assert red["squash"][:, 3:] == pytest.approx(-1)
    grey = 128 / 127.5 - 1
    assert red["letterbox"][[0, 1, 6, 7]] == pytest.approx(grey, abs=1e-5)
    assert red["letterbox"][2:6, 0] == pytest.approx(1)
    assert red["crop"] == pytest.approx(-1)


def test_eight_threads_get_the_same_answers_as_one(classifier):
    photos = [noise(SIZE, SIZE, seed) for seed in range(40)]
    alone = [classifier.predict(photo) for photo in photos]
    assert len({prediction.probabilities for prediction in alone}) == 40
    jobs = list(range(40)) * 25
    random.Random(0).shuffle(jobs)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda job: classifier.predict(photos[job]), jobs))
    assert all(same(answer, alone[job]) for job, answer in zip(jobs, answers, strict=True))


def test_what_is_no_photo_is_refused_and_the_next_one_answered(classifier):
    for source in (b"", "missing.jpg", np.zeros((4, 4, 3), np.uint8), None):
        with pytest.raises(InvalidImageError) as caught:
            classifier.predict(source)
        assert isinstance(caught.value, DogBreedError)
    assert classifier.predict(draw_disc()).labels[0] == "Red disc"


def test_a_photo_without_its_end_is_answered_with_a_note(classifier):
    whole = encode(smooth(640, 480), "JPEG", quality=90)
    cut, broken = whole[: len(whole) * 3 // 4], whole[:300]
    answers = classifier.predict_batch([whole, cut, whole])
    assert [answer.note is None for answer in answers] == [True, False, True]
    assert answers[1].note == classifier.predict(cut).note
    assert_one_sentence(answers[1].note)
    assert same(answers[0], answers[2]) and not same(answers[0], answers[1])
    with pytest.raises(InvalidImageError):
        classifier.predict(broken)


def test_names_are_by_class_number(classifier):
    assert classifier.names == NAMES
