"""What measuring leaves behind: rows of metrics, tables, plots, and a line about skipped photos."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dogbreed.train.metrics import Evaluation
from dogbreed.train.options import public_name
from dogbreed.train.plots import (
    draw_confusions,
    draw_per_breed,
    draw_rejection,
    draw_reliability,
    draw_risk,
)
from dogbreed.train.tables import (
    confused_pairs,
    per_breed,
    risk_over_coverage,
    write_csv,
    write_tables,
)


def metric_rows(measured: Mapping[str, float], source: str, split: str, count: int) -> list[dict]:
    """Make rows of the `metrics` of config.json."""
    where = {"dataset": public_name(source), "split": split, "count": count}
    return [{"name": name, "value": value, **where} for name, value in measured.items()]


def report_skipped(names: Sequence[str]) -> None:
    """Print the names of photos that cannot be decoded."""
    if names:
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        print(f"Skipped {len(names)} photos that cannot be decoded: {shown}", file=sys.stderr)


def write_results(
    evaluation: Evaluation,
    negatives: Evaluation | None,
    folder: Path,
    rejection_scores: Sequence[dict] = (),
) -> None:
    """Write the tables and plots of an evaluation."""
    if rejection_scores:
        write_csv(folder / "rejection_scores.csv", rejection_scores)
    write_tables(evaluation, negatives, folder)
    draw_per_breed(folder / "per_breed.png", per_breed(evaluation))
    draw_confusions(folder / "confusions.png", confused_pairs(evaluation))
    draw_reliability(folder / "reliability.png", evaluation)
    risks = risk_over_coverage(evaluation)
    if risks:
        write_csv(folder / "risk.csv", risks)
        draw_risk(folder / "risk.png", risks)
    if negatives is not None:
        draw_rejection(folder / "negatives.png", evaluation, negatives)
