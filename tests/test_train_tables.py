"""The tables of an evaluation are checked against answers that are known."""

import csv

import pytest

from dogbreed.train.report.tables import (
    by_source,
    confused_pairs,
    per_breed,
    refused_by_group,
    risk_over_coverage,
    write_history,
    write_tables,
)
from tests.helpers.answers import evaluation, known, negatives, trusted


def test_per_breed_is_worst_first_and_leaves_out_what_is_not_in_the_data():
    rows = per_breed(known())
    assert [row["breed"] for row in rows] == ["Boxer", "Beagle", "Pug"]
    assert rows[1] == {
        "breed": "Beagle",
        "photos": 4,
        "top_1": 0.5,
        "top_3": 0.75,
        "taken_for": "Boxer",
        "refused": 0,
    }
    assert [row["refused"] for row in per_breed(trusted())] == [0, 1, 0]
    assert rows[2]["taken_for"] == ""


def test_confused_pairs_count_both_directions():
    assert confused_pairs(known()) == [
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


def test_negatives_are_counted_by_what_they_show():
    assert refused_by_group(negatives()) == [
        {"group": "cat", "photos": 3, "refused": 2, "taken_for": "Boxer"},
        {"group": "things", "photos": 1, "refused": 1, "taken_for": ""},
    ]


def test_each_source_has_its_own_metrics():
    rows = by_source(trusted(groups=["a", "a", "b", "b", "b", "a"]))
    assert [(row["source"], row["photos"]) for row in rows] == [("a", 3), ("b", 3), ("all", 6)]
    assert [row["top_1"] for row in rows] == [1.0, 0.0, 0.5]
    assert [row["set_coverage"] for row in rows] == [1.0, pytest.approx(2 / 3, abs=1e-4), 0.8333]
    assert [row["dogs_refused"] for row in rows] == [0, 0.3333, 0.1667]
    (only,) = by_source(trusted(groups=["all"] * 6))
    assert only["source"] == "all" and only["photos"] == 6


def test_risk_falls_as_fewer_photos_are_answered():
    # Probabilities of 0.993 for every photo, of which one is refused and two more are wrong.
    rows = risk_over_coverage(trusted(temperature=0.2))
    assert rows[0] == {"probability": 0.0, "coverage": 1.0, "risk": 0.4}
    assert rows[-1] == {"probability": 0.99, "coverage": 1.0, "risk": 0.4}
    # At 0.5 they have 0.86.
    assert risk_over_coverage(trusted(temperature=0.5))[-1]["probability"] == 0.85
    mixed = known(temperature=1.0)
    mixed.logits[:3] *= 5
    shares = {row["probability"]: row for row in risk_over_coverage(mixed)}
    assert shares[0.0]["risk"] == 0.5 and shares[0.9]["risk"] == pytest.approx(1 / 3, abs=1e-4)
    assert shares[0.9]["coverage"] == 0.5
    assert risk_over_coverage(trusted(refused=mixed.labels >= 0)) == []


def test_tables_are_written_also_without_mistakes(tmp_path):
    right = evaluation([(0, [0, 1, 2, 3]), (1, [1, 0, 2, 3])])
    for name, result in (("some", known()), ("none", right)):
        folder = tmp_path / name
        folder.mkdir()
        write_tables(result, negatives() if name == "some" else None, folder)
        rows = list(csv.DictReader((folder / "per_breed.csv").open()))
        assert len(rows) == len(per_breed(result))
        assert (folder / "confusion.csv").is_file()
        assert (folder / "negatives.csv").is_file() == (name == "some")


def test_history_is_a_table(tmp_path):
    write_history(tmp_path / "history.csv", [{"loss": 2.0}, {"loss": 1.5}])
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert rows == [{"epoch": "1", "loss": "2.0"}, {"epoch": "2", "loss": "1.5"}]
