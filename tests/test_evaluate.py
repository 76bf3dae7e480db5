"""Figures are checked against answers that are known."""

import csv

import numpy as np
import pytest

from dogbreed.bundle import Bundle
from dogbreed.errors import DatasetError, ExportError
from dogbreed.train.evaluate import (
    Evaluation,
    accuracy,
    confused_pairs,
    match_labels,
    per_breed,
    write_tables,
)
from dogbreed.train.export import check_agreement
from dogbreed.train.pictures import draw_confusions, draw_curves, draw_per_breed

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


def test_labels_are_matched_by_name(tmp_path):
    from dogbreed.train.data import to_photos
    from tests.test_data import make_rows

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
