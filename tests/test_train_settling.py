"""Which photos the rejection learns from, and which judge it."""

import dataclasses

import datasets
import keras
import numpy as np

from dogbreed.train.data.columns import to_photos
from dogbreed.train.network.features import Extractor
from dogbreed.train.options import Options
from dogbreed.train.resumable import Fitted
from dogbreed.train.trust.settling import deal_by_folds, draw_some, learn_to_reject
from tests.helpers.photos import make_rows


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


def test_negatives_that_cannot_be_decoded_are_not_learned_from(tmp_path):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((32, 32, 3))
    backbone = keras.Model(inputs, keras.layers.Conv2D(4, 8, strides=8)(inputs))
    pooled = keras.layers.GlobalAveragePooling2D(name="avg_pool")(backbone.output)
    classifier = keras.Model(inputs, keras.layers.Dense(3, name="predictions")(pooled))
    extractor = Extractor(backbone, "0" * 64, resize="squash", seed=1, cache_dir=tmp_path)
    weights = classifier.get_layer("predictions").get_weights()
    fitted = Fitted(weights, weights, [], 0.1, 0.0, [], {}, fold_of=np.arange(6) % 2)
    dogs, whole = (to_photos(make_rows([name] * 6), "train") for name in ("dog", "cat"))
    cells = list(whole.rows["image"])
    cells[2] = {"bytes": b"no photo", "path": None}
    rows = datasets.Dataset.from_dict({"image": cells}, features=whole.rows.features)
    negatives = dataclasses.replace(whole, rows=rows)
    seen = extractor.extract(dogs, dogs.fingerprint(), "plain")["avg_pool"]
    options = Options(tmp_path, not_dogs="cats", augment_views=0)
    usable, learned = learn_to_reject(
        extractor, classifier, fitted, ([seen], np.arange(6)), negatives, options
    )
    assert len(usable) == len(learned.negatives) == 5
    assert np.isfinite(learned.negatives).all()
