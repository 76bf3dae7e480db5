"""Which photos the rejection learns from, and which judge it."""

import numpy as np

from dogbreed.train.resumable import Fitted
from dogbreed.train.settling import deal_by_folds, draw_some


def test_no_photo_that_the_rejection_learns_from_judges_it():
    fold_of = np.array([0, 1, 2, 3, 4, 0, 1, -1, 3, 4])
    fitted = Fitted([], [], [], 0.1, 0.0, [], {}, fold_of=fold_of)
    rows = np.flatnonzero(fold_of >= 0)
    learning, judging = deal_by_folds(fitted, rows)
    assert sorted([*learning, *judging]) == rows.tolist()
    # Photos that look alike are in one fold, and a fold is not divided.
    assert set(fold_of[learning]) == {0, 2, 4} and set(fold_of[judging]) == {1, 3}


def test_some_rows_are_drawn_by_lot_in_order():
    rows = np.arange(100, 200)
    some = draw_some(rows, 10, 1)
    assert len(some) == 10 and set(some) <= set(rows) and (np.diff(some) > 0).all()
    assert not np.array_equal(some, draw_some(rows, 10, 2))
    assert np.array_equal(draw_some(rows, 1000, 1), rows)
