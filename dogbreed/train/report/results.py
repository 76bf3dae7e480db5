"""What measuring leaves behind: rows of metrics, tables, and plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dogbreed.subject import DOG
from dogbreed.train.measure.metrics import Results
from dogbreed.train.options import Options, public_name
from dogbreed.train.report.plots import (
    draw_confusions,
    draw_per_breed,
    draw_rejection,
    draw_reliability,
    draw_risk,
)
from dogbreed.train.report.tables import (
    by_source,
    confused_pairs,
    per_breed,
    refused_by_group,
    risk_over_coverage,
    write_csv,
    write_tables,
)

# The split of metrics on the half of a dataset that is kept for measuring.
HELD_OUT = "held out"


def metric_rows(measured: Mapping[str, float], source: str, split: str, count: int) -> list[dict]:
    """Make rows of the `metrics` of config.json."""
    where = {"dataset": public_name(source), "split": split, "count": count}
    return [{"name": name, "value": value, **where} for name, value in measured.items()]


def rows_of_results(results: Results, options: Options, test_split: str) -> list[dict]:
    """Make rows of all metrics, those that say most of new photos first."""
    places = {
        "independent": (options.independent, HELD_OUT),
        "negatives": (options.not_dogs, HELD_OUT),
        "test": (options.dataset, test_split),
    }
    rows = []
    for name, (measured, count) in results.metrics().items():
        source, split = places[name]
        rows += metric_rows(measured, source or "", split, count)
    return rows


def write_results(
    results: Results, folder: Path, rejection_scores: Sequence[dict] = (), subject: str = DOG
) -> None:
    """Write the tables and plots of what was measured.

    Breeds and confusions are those of the test photos; probabilities and rejection are shown for
    independent photos if there are any. `subject` is what the photos of the model show.
    """
    test, negatives, promised = results.test, results.negatives, results.promised
    if rejection_scores:
        write_csv(folder / "rejection_scores.csv", rejection_scores)
    write_tables(test, negatives, folder)
    draw_per_breed(folder / "per_breed.png", per_breed(test))
    draw_confusions(folder / "confusions.png", confused_pairs(test))
    draw_reliability(folder / "reliability.png", promised)
    risks = risk_over_coverage(promised)
    if risks:
        write_csv(folder / "risk.csv", risks)
        draw_risk(folder / "risk.png", risks, subject)
    if results.independent is not None:
        write_csv(folder / "sources.csv", by_source(results.independent))
    if results.neither is not None:
        write_csv(folder / "neither.csv", refused_by_group(results.neither))
    if negatives is not None:
        draw_rejection(folder / "negatives.png", promised, negatives, subject)
