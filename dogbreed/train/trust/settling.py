"""Settle what is promised, on answers of the exported network to photos that it has not seen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from dogbreed.train.data.photos import Photos
from dogbreed.train.measure.answers import serve
from dogbreed.train.network.cached import Features
from dogbreed.train.network.fit import answers_of, unseen_logits, unseen_rows
from dogbreed.train.network.frozen import best_precision
from dogbreed.train.network.views import PLAIN, view_names
from dogbreed.train.options import Options
from dogbreed.train.resumable import Fitted
from dogbreed.train.trust.calibration import INDEPENDENT, KEPT_OUT, OUT_OF_FOLD, Trust, settle
from dogbreed.train.trust.rejection import Answers, Learned, fit_rejection

if TYPE_CHECKING:
    from dogbreed.train.network.features import Extractor
    from dogbreed.train.network.served import Ask

# Photos at most that settle trust: each goes through the network once more.
SETTLING = 5000
# Photos of dogs at most that the rejection learns from, and in how many views.
LEARNED, LEARNED_VIEWS = 6000, 2
# Photos of dogs at most that settle the threshold of the rejection.
DETECTED = 1000
# Dogs and negatives are answered in these views too, so that the threshold depends neither on their
# size nor on sharpness or compression.
DEGRADED = ("degraded-1",)


def learn_to_reject(
    extractor: "Extractor",
    classifier: keras.Model,
    fitted: Fitted,
    dogs: tuple[Sequence[Features], np.ndarray],
    negatives: Photos,
    options: Options,
) -> tuple[Photos, Learned]:
    """Collect what the rejection learns from: dogs and negatives, each in the same views.

    Args:
        extractor: Computes the features of the negatives.
        classifier: The fitted network; its layers above the boundary are used.
        fitted: Their weights.
        dogs: Features of the training photos at the boundary, view by view, and which rows to use.
        negatives: Photos without a dog.
        options: Options of the run.

    Returns:
        The negatives that can be decoded, and the pooled features.
    """
    (views, rows), boundary = dogs, options.train_from
    if options.out_of_fold and not options.independent:
        rows, _ = deal_by_folds(fitted, rows)
    names = view_names(options.augment_views)[: min(len(views), LEARNED_VIEWS)]
    fingerprint = negatives.fingerprint()
    shown = [
        extractor.extract(negatives, fingerprint, name, [boundary], best_precision())[boundary]
        for name in names
    ]
    usable, rows = shown[0].decodable(), draw_some(rows, LEARNED, options.seed)

    def pooled(views: Sequence[Features], rows: np.ndarray) -> np.ndarray:
        parts = (answers_of(classifier, fitted.weights, boundary, view, rows) for view in views)
        return np.concatenate([features for _, features in parts])

    learned = Learned(pooled(views[: len(names)], rows), pooled(shown, usable))
    return negatives.select(usable), learned


def settle_served(
    ask: "Ask",
    fitted: Fitted,
    photos: tuple[Photos, np.ndarray],
    taught: tuple[Photos, Learned] | None,
    independent: Photos | None,
    options: Options,
    *,
    subject: str,
) -> Trust:
    """Settle trust on independent photos if there are any, else on some of the training photos.

    Args:
        ask: The exported network.
        fitted: What the network was fitted on.
        photos: Training photos, and which rows of them may settle it.
        taught: Photos without a dog, and what the rejection learns from, see `learn_to_reject`; if
            there are any.
        independent: Those of the independent photos that settle, if there are any.
        options: Options of the run.
        subject: What the photos of the model show.
    """
    (settling, rows), seed, by_folds = photos, options.seed, False
    negatives, learned = taught or (None, None)
    settled_on = OUT_OF_FOLD if options.out_of_fold else KEPT_OUT
    if independent is not None:
        settling, rows, settled_on = independent, np.arange(len(independent)), INDEPENDENT
    elif options.out_of_fold:
        rows, by_folds = unseen_rows(fitted, settling.labels, rows), True

    def unseen(rows: np.ndarray, answers: Answers) -> Answers:
        return (unseen_logits(fitted, rows, answers), answers[1]) if by_folds else answers

    rows, plain = serve(ask, settling, draw_some(rows, SETTLING, seed))
    if not len(rows):
        return settle(plain[0], settling.labels[rows], None, 0, settled_on, subject)
    logits, _ = unseen(rows, plain)
    judging = rows
    if by_folds and negatives is not None:
        _, judging = deal_by_folds(fitted, rows)
        if not len(judging):
            # Too few to deal: the energy decides, which learns nothing.
            judging, negatives = rows, None
    judging = draw_some(judging, DETECTED, seed)
    _, degraded = serve(ask, settling, judging, DEGRADED, seed)
    here = np.searchsorted(rows, judging)
    shown = [np.concatenate([one[here], more]) for one, more in zip(plain, degraded, strict=True)]
    of_negatives = None
    if negatives is not None:
        copies = (PLAIN, *DEGRADED)
        _, of_negatives = serve(ask, negatives, np.arange(len(negatives)), copies, seed)
    found = fit_rejection(
        learned,
        unseen(np.tile(judging, 1 + len(DEGRADED)), (shown[0], shown[1])),
        of_negatives,
        copies=1 + len(DEGRADED),
        seed=seed,
    )
    return settle(logits, settling.labels[rows], found, len(judging), settled_on, subject)


def deal_by_folds(fitted: Fitted, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deal training photos into those that the rejection learns from and those that judge it.

    By whole folds, which do not divide photos that look alike.
    """
    judging = fitted.fold_of[rows] % 2 == 1
    return rows[~judging], rows[judging]


def draw_some(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return at most this many of the rows, by lot, in order."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])
