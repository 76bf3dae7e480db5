"""Which epoch a fit keeps, and what a fit is cached under."""

import numpy as np

from dogbreed.train.resumable import MONITOR, best_epoch, fit_key


def test_the_epoch_of_least_cross_entropy_is_kept_not_that_of_least_loss():
    """The loss contains L2, so it may fall for longer."""
    history = [
        {MONITOR: 0.5, "val_loss": 0.9},
        {MONITOR: 0.3, "val_loss": 0.8},
        {MONITOR: 0.4, "val_loss": 0.6},
    ]
    assert best_epoch(history) == 2
    assert best_epoch([{"loss": 3.0}, {"loss": 1.0}, {"loss": 2.0}]) == 3


def test_a_key_changes_with_everything_it_is_made_of():
    rows = np.arange(6)
    keys = [
        fit_key(["a", 1], [rows]),
        fit_key(["a", 2], [rows]),
        fit_key(["a", 1], [rows, None]),
        fit_key(["a", 1], [rows[:3], rows[3:]]),
        fit_key(["a", 1], [rows.reshape(2, 3)]),
        fit_key(["a", 1], [rows.astype(np.int32)]),
        fit_key(["a", 1], [rows + 1]),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == fit_key(["a", 1], [np.arange(6)])
