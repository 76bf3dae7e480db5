"""Does a photo show a dog at all? A score of the network's answer, and a probability made of it.

Three scores, higher for dogs; training compares them and keeps one:

- `energy`: logsumexp of the logits (Liu et al. 2020, arXiv:2010.03759).
- `mahalanobis`: minus the squared distance of the pooled features to the nearest class mean, in a
  space where the classes are round (Lee et al. 2018, arXiv:1807.03888).
- `logistic`: a linear function of the pooled features that was fitted to tell dogs from the rest.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dogbreed.errors import BundleError

METHODS = ("energy", "mahalanobis", "logistic")
# The arrays that a score of pooled features needs.
ARRAYS: dict[str, tuple[str, ...]] = {
    "energy": (),
    "mahalanobis": ("projection", "means"),
    "logistic": ("weights", "bias"),
}
# Far more than any score needs.
_MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class RejectionRule:
    """A score and how to read it.

    Attributes:
        method: One of `METHODS`.
        arrays: What the score needs, by the names in `ARRAYS`: `projection` (channels, d) and
            `means` (num_classes, d); or `weights` (channels,) and `bias` ().
        scale, offset: The probability is the logistic function of scale × score + offset
            (Platt 1999); it takes a photo of a dog to be as likely beforehand as any other.
        threshold: Probability below which a photo is said to show no dog.
    """

    method: str
    arrays: Mapping[str, np.ndarray]
    scale: float
    offset: float
    threshold: float

    def score(self, logits: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        """Score answers; see `score`."""
        return score(self.method, self.arrays, logits, features)

    def probability(self, logits: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        """float64 array of shape (N,), in 0..1: how probably each photo shows a dog."""
        exponent = self.scale * self.score(logits, features) + self.offset
        return 1 / (1 + np.exp(-np.clip(exponent, -700, 700)))


def score(
    method: str,
    arrays: Mapping[str, np.ndarray],
    logits: np.ndarray,
    features: np.ndarray | None,
) -> np.ndarray:
    """Score what the network says of some photos.

    Args:
        method: One of `METHODS`.
        arrays: See `RejectionRule`.
        logits: float array of shape (N, num_classes), without temperature.
        features: float array of shape (N, channels), pooled; not needed for `energy`.

    Returns:
        float64 array of shape (N,), higher for dogs.
    """
    if method == "energy":
        logits = logits.astype(np.float64)
        most = logits.max(axis=1)
        return most + np.log(np.exp(logits - most[:, None]).sum(axis=1))
    if features is None:
        raise ValueError(f"the score {method} needs the pooled features")
    features = features.astype(np.float64)
    if method == "logistic":
        return features @ arrays["weights"].astype(np.float64) + float(arrays["bias"])
    means = arrays["means"].astype(np.float64)
    projected = features @ arrays["projection"].astype(np.float64)
    # |x − m|² without an array of shape (N, num_classes, d).
    distances = (projected**2).sum(axis=1)[:, None] - 2 * projected @ means.T + (means**2).sum(1)
    return -distances.min(axis=1)


def read_arrays(method: str, path: Path, channels: int) -> dict[str, np.ndarray]:
    """Read the arrays of a score from a NumPy archive, which holds numbers only.

    Args:
        method: One of `METHODS`.
        path: The .npz file.
        channels: Of the pooled features.

    Raises:
        BundleError: It is damaged or does not fit the network.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise ValueError("too large")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS[method]}
    except Exception:
        # Damaged archives raise many kinds of errors. NumPy's own words advise to unpickle, which
        # could run a program hidden in the file.
        names = " and ".join(ARRAYS[method])
        raise BundleError(
            f"{path} is not a NumPy archive of {names}; get the bundle again."
        ) from None
    fits = {name: array.ndim for name, array in arrays.items()} in (
        {"projection": 2, "means": 2},
        {"weights": 1, "bias": 0},
    ) and len(arrays[ARRAYS[method][0]]) == channels
    fits = fits and all(
        np.issubdtype(array.dtype, np.floating) and np.isfinite(array).all()
        for array in arrays.values()
    )
    if method == "mahalanobis":
        fits = fits and arrays["means"].shape[1] == arrays["projection"].shape[1]
    if not fits:
        raise BundleError(f"{path} does not fit the network; get the bundle again.")
    return arrays
