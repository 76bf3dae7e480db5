"""Photos that are in a dataset twice, as far as the backbone and the eye can see.

Two photos are near duplicates if the cosine of their pooled features is at least `MIN_COSINE` and
their thumbnails, one of them mirrored if need be, differ by at most `MAX_DIFFERENCE` on average.
The features alone would match photos that merely show the same kind of thing, which are close to
each other in data unlike ImageNet's, such as X-rays; thumbnails alone would match photos of one
plain background. A copy that was cropped is found only if little was cut off.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dogbreed.images import prepare
from dogbreed.train.data.photos import Photos
from dogbreed.train.network.cached import Features

MIN_COSINE = 0.8
# Of values in 0..255.
MAX_DIFFERENCE = 6.0
_THUMBNAIL = 32
# How many of the photos with the closest features a photo is compared with.
_CLOSEST = 4
_ROWS_AT_ONCE = 1024

# Photos, their plain pooled features, and the rows that can be decoded.
Seen = tuple[Photos, Features, np.ndarray]


def find_duplicates(some: Seen, others: Seen | None = None) -> list[tuple[int, int]]:
    """Find near duplicates.

    Args:
        some: Photos to look at.
        others: What to compare them with; None to compare them with each other.

    Returns:
        Pairs of rows, of `some` and of `others`, sorted.
    """
    photos, known = some[0], (others or some)[0]
    close = set(_close(some, others or some))
    if others is None:
        close = {(min(pair), max(pair)) for pair in close if pair[0] != pair[1]}
    mine = {row: _thumbnail(photos, row) for row in {row for row, _ in close}}
    theirs = {row: _thumbnail(known, row) for row in {row for _, row in close}}
    return sorted(pair for pair in close if _alike(mine[pair[0]], theirs[pair[1]]))


def group_rows(count: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """Number groups of photos that are near duplicates of one another, int64 of shape (count,)."""
    first, second = np.array(list(pairs), int).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _close(some: Seen, others: Seen) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows whose features are close."""
    (_, features, rows), (_, other_features, other_rows) = some, others
    known = _unit(other_features[other_rows])
    # If they are the same photos, the closest one is the photo itself.
    closest = min(_CLOSEST + 1, len(other_rows))
    for begin in range(0, len(rows), _ROWS_AT_ONCE):
        here = rows[begin : begin + _ROWS_AT_ONCE]
        cosines = _unit(features[here]) @ known.T
        best = np.argpartition(-cosines, closest - 1, axis=1)[:, :closest]
        close = np.take_along_axis(cosines, best, axis=1) >= MIN_COSINE
        for number, found in zip(*np.nonzero(close), strict=True):
            yield int(here[number]), int(other_rows[best[number, found]])


def _unit(features: np.ndarray) -> np.ndarray:
    features = features.astype(np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def _thumbnail(photos: Photos, row: int) -> np.ndarray:
    return prepare(photos.encoded(row), _THUMBNAIL, "squash").astype(np.float32)


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    differences = [np.abs(one - seen).mean() for seen in (other, other[:, ::-1])]
    return bool(min(differences) <= MAX_DIFFERENCE)
