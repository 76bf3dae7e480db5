"""Metrics say what they were measured on, and skipped photos are named."""

from dogbreed.train.results import metric_rows, report_skipped, write_results
from tests.helpers.answers import known, negatives, trusted


def test_every_table_and_plot_of_an_evaluation_is_written(tmp_path):
    for folder, arguments in (("dogs", (known(), None)), ("both", (trusted(), negatives()))):
        (tmp_path / folder).mkdir()
        write_results(*arguments, tmp_path / folder)
    dogs, both = ({path.name for path in (tmp_path / name).iterdir()} for name in ("dogs", "both"))
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
