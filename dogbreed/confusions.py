"""Which classes a model takes for one another, as its own table metrics/confusion.csv says."""

import csv
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

# A pair that was confused only once says nothing.
LEAST_MISTAKES = 2
MOST_OTHERS = 3
# The table lists twenty pairs; a longer one is not from this program.
_MOST_ROWS = 1_000


def read_confusions(path: Path, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read the table.

    Args:
        path: The file, whose hash has been checked; what it says is not trusted all the same.
        names: The names for people of all classes; others are ignored.

    Returns:
        By name those that it was confused with at least twice, most often first, at most three.
    """
    known, found = set(names), dict[str, list[str]]()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(islice(csv.DictReader(file), _MOST_ROWS))
        rows = [row for row in rows if int(row["mistakes"]) >= LEAST_MISTAKES]
        rows.sort(key=lambda row: -int(row["mistakes"]))
        pairs = [(row["breed"], row["other"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        # Only a hint for people depends on it.
        return {}
    for one, other in pairs:
        if {one, other} <= known:
            found.setdefault(one, []).append(other)
            found.setdefault(other, []).append(one)
    return {name: tuple(others[:MOST_OTHERS]) for name, others in found.items()}
