"""Does a photo show a dog at all? A score of the network's answer, and how to read it.

Three scores, higher for dogs; training compares them and keeps one:

- `energy`: logsumexp of the logits (Liu et al. 2020, arXiv:2010.03759).
- `logistic`: a linear function of the pooled features, fitted to separate dogs from negatives.
- `mlp`: the same with one hidden layer of rectified linear units.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dogbreed.errors import BundleError

METHODS = ("energy", "logistic", "mlp")
# The arrays that a score needs, and their dimensions.
ARRAYS: dict[str, dict[str, int]] = {
    "energy": {},
    "logistic": {"weights": 1, "bias": 0},
    "mlp": {"hidden_weights": 2, "hidden_bias": 1, "weights": 1, "bias": 0},
}
# Far more than any score needs.
_MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class RejectionRule:
    """A score and how to read it.

    Attributes:
        method: One of `METHODS`.
        arrays: What the score needs, float: for `logistic` `weights` of shape (channels,) and
            `bias` of shape (); for `mlp` `hidden_weights` of shape (channels, units),
            `hidden_bias` and `weights` of shape (units,), and `bias` of shape ().
        threshold: Score below which a photo is said not to show a dog.
        scale, offset: The probability of a dog is the logistic function of scale × score + offset
            (Platt 1999), if photos with and without a dog are equally likely beforehand. None
            where there were no negatives to fit them to: then there is no probability.
    """

    method: str
    arrays: Mapping[str, np.ndarray]
    threshold: float
    scale: float | None = None
    offset: float | None = None

    def score(self, logits: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        """Score answers; see `score`."""
        return score(self.method, self.arrays, logits, features)

    def probability(self, scores: np.ndarray) -> np.ndarray | None:
        """float64 array of the shape of `scores`, in 0..1: how likely a dog is; or None."""
        if self.scale is None or self.offset is None:
            return None
        return 1 / (1 + np.exp(-np.clip(self.scale * scores + self.offset, -700, 700)))


def score(
    method: str,
    arrays: Mapping[str, np.ndarray],
    logits: np.ndarray,
    features: np.ndarray | None,
) -> np.ndarray:
    """Score the network's answers to some photos.

    Args:
        method: One of `METHODS`.
        arrays: See `RejectionRule`.
        logits: float array of shape (N, num_classes), without temperature.
        features: float array of shape (N, channels), pooled; `energy` does not need them.

    Returns:
        float64 array of shape (N,), higher for dogs.
    """
    if method != "energy":
        if features is None:
            raise ValueError(f"the score {method} needs the pooled features")
        inputs = features
        if method == "mlp":
            # The only large array; to make it float64 would take half a millisecond.
            inputs = np.maximum(features @ arrays["hidden_weights"] + arrays["hidden_bias"], 0)
        return inputs @ arrays["weights"].astype(np.float64) + float(arrays["bias"])
    logits = logits.astype(np.float64)
    most = logits.max(axis=1)
    return most + np.log(np.exp(logits - most[:, None]).sum(axis=1))


def read_arrays(method: str, path: Path, channels: int) -> dict[str, np.ndarray]:
    """Read the arrays of a score from a NumPy archive, which contains numbers only.

    Args:
        method: One of `METHODS`.
        path: The .npz file.
        channels: Length of the pooled features.

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
    fits = all(
        np.issubdtype(array.dtype, np.floating)
        and array.ndim == ARRAYS[method][name]
        and np.isfinite(array).all()
        for name, array in arrays.items()
    )
    inputs = channels
    if fits and method == "mlp":
        fits = arrays["hidden_weights"].shape == (channels, len(arrays["hidden_bias"]))
        inputs = len(arrays["hidden_bias"])
    if not fits or arrays["weights"].shape != (inputs,):
        raise BundleError(f"{path} does not fit the network; get the bundle again.")
    return arrays
