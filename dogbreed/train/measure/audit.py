"""Labels that are probably wrong, found with answers of heads that have not seen the photos."""

import numpy as np
from cleanlab.filter import find_label_issues

from dogbreed.train.data.photos import Photos
from dogbreed.train.network.cached import Features
from dogbreed.train.resumable import Fitted
from dogbreed.train.trust.calibration import probabilities


def audit_labels(
    fitted: Fitted, photos: Photos, features: Features, temperature: float
) -> list[dict]:
    """List photos whose label is probably wrong, by confident learning (Northcutt et al. 2021).

    Args:
        fitted: With heads that were each fitted without one fold of the photos.
        photos: The photos.
        features: Their pooled features in the plain view.
        temperature: Of the probabilities.

    Returns:
        A row for each, the least probable label first: `file`, `row`, `label`, `suggested`, and
        the probabilities in 0..1 of both, `of_label` and `of_suggested`. No rows where the recipe
        makes no such heads.
    """
    rows = np.flatnonzero(fitted.fold_of >= 0)
    if not len(rows):
        return []
    pooled, labels = features[rows].astype(np.float32), photos.labels[rows]
    logits = np.empty((len(rows), len(photos.label_names)))
    for fold, (kernel, bias) in enumerate(fitted.folds):
        here = fitted.fold_of[rows] == fold
        logits[here] = pooled[here] @ kernel + bias
    stated = probabilities(logits, temperature)
    # With one process: the others would each load TensorFlow.
    found = find_label_issues(labels, stated, return_indices_ranked_by="self_confidence", n_jobs=1)
    return [
        {
            "file": photos.short_name(rows[number]),
            "row": int(rows[number]),
            "label": photos.label_names[labels[number]],
            "suggested": photos.label_names[stated[number].argmax()],
            "of_label": round(float(stated[number, labels[number]]), 4),
            "of_suggested": round(float(stated[number].max()), 4),
        }
        for number in found
    ]
