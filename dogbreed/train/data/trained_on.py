"""What a bundle remembers of its photos, so that evaluation measures others than it trained on."""

from pathlib import Path

import numpy as np

from dogbreed.bundle import Bundle, write_beside
from dogbreed.errors import BundleError
from dogbreed.train.data.cuts import SplitRule
from dogbreed.train.data.photos import Photos
from dogbreed.train.options import public_name

# Path in a bundle: uint64 array of shape (N,), the first 8 bytes of the SHA-256 of each file.
TRAINED_ON = "metrics/trained_on.npy"


def write_trained_on(folder: Path, photos: Photos) -> None:
    """Write the hashes of the training photos into the folder of a bundle."""
    with write_beside(folder / TRAINED_ON) as file:
        np.save(file, np.unique(_hashes(photos)), allow_pickle=False)


def trained_on(bundle: Bundle, photos: Photos) -> np.ndarray:
    """Return the rows of photos that a bundle was trained on, as far as it knows.

    Args:
        bundle: A bundle; `TRAINED_ON` is read if it is there.
        photos: What is to be evaluated.

    Raises:
        BundleError: The file cannot be read.
    """
    path = bundle.path / TRAINED_ON
    if not path.is_file():
        return np.empty(0, int)
    try:
        known = np.load(path, allow_pickle=False)
        return np.flatnonzero(np.isin(_hashes(photos), known))
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise BundleError(f"{path} is damaged ({error}); get the bundle again.") from None


def rule_of_test(bundle: Bundle, dataset: str) -> SplitRule | None:
    """Return how training chose its test photos.

    Args:
        bundle: A bundle.
        dataset: What is to be evaluated: id on the Hub or folder.

    Returns:
        None if the bundle was trained on another dataset, or does not say.

    Raises:
        BundleError: What the bundle says is not a rule.
    """
    training = bundle.config["training"]
    if training.get("dataset") != public_name(dataset):
        return None
    try:
        return SplitRule.from_json(training["splits"]["test"]["rule"])
    except (KeyError, TypeError):
        return None


def _hashes(photos: Photos) -> np.ndarray:
    return np.array([int.from_bytes(digest[:8], "big") for digest in photos.digests], np.uint64)
