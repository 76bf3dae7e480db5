"""Metrics say what they were measured on, and skipped photos are named."""

from dogbreed.train.data.photos import report_skipped
from dogbreed.train.measure.metrics import Results, rejection_metrics
from dogbreed.train.options import Options
from dogbreed.train.report.results import (
    metric_rows,
    rows_of_results,
    write_results,
)
from tests.helpers.answers import known, negatives, trusted


def test_every_table_and_plot_of_an_evaluation_is_written(tmp_path):
    independent = trusted(groups=["a", "a", "b", "b", "b", "a"])
    for folder, results in (
        ("dogs", Results(known())),
        ("both", Results(trusted(), negatives=negatives())),
        ("all", Results(trusted(), independent, negatives(), negatives())),
    ):
        (tmp_path / folder).mkdir()
        write_results(results, tmp_path / folder)
    dogs, both, everything = (
        {path.name for path in (tmp_path / name).iterdir()} for name in ("dogs", "both", "all")
    )
    assert dogs == {
        "per_breed.csv",
        "confusion.csv",
        "per_breed.png",
        "confusions.png",
        "reliability.png",
        "risk.csv",
        "risk.png",
    }
    assert both - dogs == {"negatives.csv", "negatives.png"}
    assert everything - both == {"sources.csv", "neither.csv"}


def test_what_says_most_of_new_photos_is_stated_first(tmp_path):
    options = Options(tmp_path, dataset="me/dogs", not_dogs="me/cats", independent="me/others")
    results = Results(known(), trusted(), negatives())
    rows = rows_of_results(results, options, "test")
    places = [(row["dataset"], row["split"], row["count"]) for row in rows]
    assert list(dict.fromkeys(places)) == [
        ("me/others", "held out", 6),
        ("me/cats", "held out", 4),
        ("me/dogs", "test", 6),
    ]
    # The rejection is measured against the independent dogs.
    (auroc,) = [row["value"] for row in rows if row["name"] == "is_dog_auroc"]
    assert auroc == rejection_metrics(trusted(), negatives())["is_dog_auroc"]
    alone = rows_of_results(Results(known()), options, "test")
    assert {row["dataset"] for row in alone} == {"me/dogs"}


def test_metrics_say_what_they_were_measured_on(tmp_path):
    assert metric_rows({"ece": 0.1}, str(tmp_path), "test", 7) == [
        {"name": "ece", "value": 0.1, "dataset": tmp_path.name, "split": "test", "count": 7}
    ]


def test_skipped_photos_are_named_a_few_of_many(capsys):
    report_skipped([])
    assert capsys.readouterr().err == ""
    report_skipped([f"{number}.jpg" for number in range(7)])
    reported = capsys.readouterr().err
    assert reported.startswith("Skipped 7 photos that cannot be decoded: 0.jpg, 1.jpg")
    assert "4.jpg …" in reported and "5.jpg" not in reported
