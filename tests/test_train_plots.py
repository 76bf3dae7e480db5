"""Plots are drawn for whatever was measured."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogbreed.train.report import plots
from dogbreed.train.report.plots import (
    draw_confusions,
    draw_curves,
    draw_per_breed,
    draw_rejection,
    draw_reliability,
    draw_risk,
)
from dogbreed.train.report.tables import confused_pairs, per_breed, risk_over_coverage
from tests.helpers.answers import evaluation, known, negatives, trusted

RIGHT = evaluation([(0, [0, 1, 2, 3]), (1, [1, 0, 2, 3])])
HISTORY = [{"cross_entropy": 2.0, "accuracy": 0.1}, {"cross_entropy": 1.0, "accuracy": 0.2}]
VALIDATED = [{**row, "val_cross_entropy": 1.5, "val_accuracy": 0.2} for row in HISTORY]


def colors(path: Path) -> int:
    """How many colors a picture has; an empty plot has few."""
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0))


def test_a_threshold_that_refuses_many_is_in_the_plot(tmp_path, monkeypatch):
    """Not cut off by axes that suit a better one."""
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, path: drawn.append(figure))
    for refused in (1, 2, 5):
        some = np.arange(6) < refused
        draw_rejection(tmp_path / "x.png", trusted(refused=some), negatives())
        (axes,) = drawn[-1].axes
        for line in axes.lines[1:]:
            (x,), (y,) = line.get_data()
            assert axes.get_xlim()[0] <= x < axes.get_xlim()[1]
            assert axes.get_ylim()[0] <= y < axes.get_ylim()[1]


@pytest.mark.parametrize(
    ("draw", "arguments"),
    [
        (draw_per_breed, (per_breed(known()),)),
        (draw_per_breed, (per_breed(RIGHT),)),
        (draw_confusions, (confused_pairs(known()),)),
        (draw_confusions, (confused_pairs(RIGHT),)),
        (draw_curves, (HISTORY, 2)),
        (draw_curves, (VALIDATED, 1)),
        (draw_reliability, (trusted(),)),
        (draw_risk, (risk_over_coverage(trusted()),)),
        (draw_rejection, (trusted(), negatives())),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_plot_is_drawn_and_twice_the_same(draw, arguments, tmp_path):
    files = [tmp_path / "first.png", tmp_path / "second.png"]
    for file in files:
        draw(file, *arguments)
    assert colors(files[0]) > 20
    assert files[0].read_bytes() == files[1].read_bytes()
