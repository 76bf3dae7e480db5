"""Figures are checked against answers that are known."""

import csv
import dataclasses

import numpy as np
import pytest

from dogbreed.bundle import Bundle
from dogbreed.errors import DatasetError, ExportError
from dogbreed.train.evaluate import (
    Detection,
    Evaluation,
    accuracy,
    confused_pairs,
    detection_figures,
    figures,
    group_of,
    match_labels,
    per_breed,
    refused_by_group,
    write_tables,
)
from dogbreed.train.export import check_agreement
from dogbreed.train.plots import draw_confusions, draw_curves, draw_per_breed

NAMES = ("Beagle", "Boxer", "Briard", "Pug")


def evaluation(ranked: list[tuple[int, list[int]]]) -> Evaluation:
    """From (true class, classes from most to least probable) of each photo."""
    logits = np.zeros((len(ranked), len(NAMES)), np.float32)
    for row, (_, order) in enumerate(ranked):
        logits[row, order] = np.arange(len(NAMES), 0, -1)
    labels = np.array([true for true, _ in ranked])
    return Evaluation(logits, labels, np.arange(len(ranked)), NAMES, [])


@pytest.fixture
def known() -> Evaluation:
    """Beagle: right, right, second, last; Boxer: second (Beagle first); Pug: right."""
    return evaluation(
        [
            (0, [0, 1, 2, 3]),
            (0, [0, 1, 2, 3]),
            (0, [1, 0, 2, 3]),
            (0, [1, 2, 3, 0]),
            (1, [0, 1, 2, 3]),
            (3, [3, 1, 2, 0]),
        ]
    )


def test_accuracy(known):
    figures = accuracy(known)
    assert figures["top_1"] == pytest.approx(3 / 6)
    assert figures["top_3"] == pytest.approx(5 / 6)
    assert figures["macro_top_1"] == pytest.approx((2 / 4 + 0 + 1) / 3)


def test_per_breed_is_worst_first_and_leaves_out_what_is_not_in_the_data(known):
    rows = per_breed(known)
    assert [row["breed"] for row in rows] == ["Boxer", "Beagle", "Pug"]
    assert rows[1] == {
        "breed": "Beagle",
        "photos": 4,
        "top_1": 0.5,
        "top_3": 0.75,
        "taken_for": "Boxer",
    }
    assert rows[2]["taken_for"] == ""


def test_confused_pairs_count_both_directions(known):
    assert confused_pairs(known) == [
        {
            "breed": "Beagle",
            "other": "Boxer",
            "mistakes": 3,
            "breed_taken_for_other": 2,
            "other_taken_for_breed": 1,
        }
    ]


def test_only_the_most_confused_are_listed():
    mixed = evaluation([(0, [1, 0, 2, 3]), (0, [1, 0, 2, 3]), (2, [3, 2, 1, 0])])
    assert [pair["other"] for pair in confused_pairs(mixed, most=1)] == ["Boxer"]


def test_tables_and_pictures_are_written_also_without_mistakes(tmp_path, known):
    right = evaluation([(0, [0, 1, 2, 3]), (1, [1, 0, 2, 3])])
    for name, result in (("some", known), ("none", right)):
        folder = tmp_path / name
        folder.mkdir()
        write_tables(result, folder)
        draw_per_breed(folder / "per_breed.png", per_breed(result))
        draw_confusions(folder / "confusions.png", confused_pairs(result))
        for file in ("per_breed.png", "confusions.png"):
            assert (folder / file).read_bytes().startswith(b"\x89PNG")
        rows = list(csv.DictReader((folder / "per_breed.csv").open()))
        assert len(rows) == len(per_breed(result))
    history = [{"cross_entropy": 2.0, "accuracy": 0.1}, {"cross_entropy": 1.0, "accuracy": 0.2}]
    draw_curves(tmp_path / "curves.png", history, 2)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def trusted(known: Evaluation, **fields) -> Evaluation:
    defaults = {
        "temperature": 0.5,
        "set_sizes": np.array([1, 2, 1, 4, 2, 1]),
        "is_dog": np.array([0.99, 0.9, 0.95, 0.2, 0.97, 0.6]),
        "refused": np.array([False, False, False, True, False, False]),
    }
    return dataclasses.replace(known, **{**defaults, **fields})


OTHERS = Detection(
    np.array([0.1, 0.3, 0.95, 0.05]),
    np.array([True, True, False, True]),
    ["cat", "things", "cat", "cat"],
    ["Pug", "Pug", "Boxer", "Pug"],
)


def test_figures_of_trust(known):
    found = figures(trusted(known))
    # The third photo's true label is second and its set holds one; the fourth's holds all.
    assert found["set_coverage"] == pytest.approx(5 / 6)
    assert found["set_size"] == pytest.approx(11 / 6)
    assert found["dogs_refused"] == pytest.approx(1 / 6)
    # Logits 4, 3, 2, 1 for every photo, of which half are right.
    for name, temperature in (("ece", 0.5), ("ece_untempered", 1.0)):
        shares = np.exp(np.array([4, 3, 2, 1]) / temperature)
        assert found[name] == pytest.approx(shares[0] / shares.sum() - 0.5)


def test_a_bundle_that_cannot_tell_has_no_figures_of_trust(known):
    nothing = {
        "set_sizes": np.zeros(6, int),
        "is_dog": np.full(6, np.nan),
        "refused": np.zeros(6, bool),
    }
    found = figures(trusted(known, **nothing))
    assert set(found) == {"top_1", "top_3", "macro_top_1", "ece", "ece_untempered"}


def test_figures_of_detection(known):
    found = detection_figures(trusted(known), OTHERS)
    below = [sum(dog > other for other in OTHERS.is_dog) for dog in trusted(known).is_dog]
    ties = 0.5  # One dog and one other photo have the same score.
    assert found["is_dog_auroc"] == pytest.approx((sum(below) + ties) / 24)
    assert found["not_dogs_refused"] == 0.75
    assert found["not_dogs_refused_at_1"] == pytest.approx(2 / 4)
    assert refused_by_group(OTHERS) == [
        {"group": "cat", "photos": 3, "refused": 2, "taken_for": "Boxer"},
        {"group": "things", "photos": 1, "refused": 1, "taken_for": ""},
    ]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("cat", "cat"),
        ("n02123394_Persian_cat", "cats, wild and tame"),
        ("n02114367_timber_wolf", "wolves and foxes"),
        ("n02119789-kit_fox", "wolves and foxes"),
        ("n02085620-Chihuahua", "dogs"),
        ("n02132136_brown_bear", "other animals"),
        ("n01440764_tench", "other animals"),
        ("n07697537_hotdog", "food"),
        ("n07248320_book_jacket", "things"),
        ("n04254680_soccer_ball", "things"),
        ("n09193705_alp", "places"),
        ("n10148035_groom", "people"),
        ("n11939491_daisy", "plants and fungi"),
        ("n15075141_toilet_tissue", "things"),
        ("nothing", "nothing"),
    ],
)
def test_imagenets_classes_are_grouped(name, group):
    assert group_of(name) == group


def test_labels_are_matched_by_name(tmp_path):
    from dogbreed.train.columns import to_photos
    from tests.test_train_data import make_rows

    bundle = Bundle(tmp_path, {"label2id": {"c": 0, "a": 1, "b": 2}})
    photos = to_photos(make_rows(["a", "b", "a"]), "test")
    assert match_labels(bundle, photos).tolist() == [1, 2, 1]
    with pytest.raises(DatasetError, match="does not know 1 of the dataset's classes \\(z\\)"):
        match_labels(bundle, to_photos(make_rows(["a", "z"]), "test"))


def answers(right: int, wrong: int) -> list[tuple[int, list[int]]]:
    return [(0, [0, 1, 2, 3])] * right + [(0, [1, 0, 2, 3])] * wrong


def test_an_export_that_answers_alike_passes():
    reference, served = evaluation(answers(990, 10)), evaluation(answers(988, 12))
    figures = check_agreement(reference, served)
    assert figures["top_1_agreement"] == pytest.approx(0.998)
    assert figures["float32_top_1"] == pytest.approx(0.99)


def test_an_export_that_answers_differently_fails():
    reference = evaluation(answers(1000, 0))
    changed = evaluation([(0, [0, 1, 2, 3])] * 984 + [(1, [1, 0, 2, 3])] * 16)
    with pytest.raises(ExportError, match="answers 16 of 1000 photos differently"):
        check_agreement(reference, changed)


def test_an_export_that_is_less_often_right_fails():
    reference, served = evaluation(answers(1000, 0)), evaluation(answers(995, 5))
    with pytest.raises(ExportError, match=r"right on 99.50% of 1000 photos, .* 100.00%"):
        check_agreement(reference, served)
