"""The head of an earlier bundle, to go on training from."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dogbreed.bundle import WEIGHTS, Bundle
from dogbreed.errors import BundleError
from dogbreed.hub import load_bundle
from dogbreed.train.network import build_backbone, classifier_network


@dataclass(frozen=True)
class Start:
    """The weights that a head starts from.

    Attributes:
        kernel: float32 array of shape (channels, num_classes).
        bias: float32 array of shape (num_classes,).
        address: The bundle on the Hub that they are from, None for a folder.
        commit: The commit that it was read at.
    """

    kernel: np.ndarray
    bias: np.ndarray
    address: str | None
    commit: str | None

    @property
    def weights(self) -> list[np.ndarray]:
        """What the `predictions` layer takes."""
        return [self.kernel, self.bias]

    def fingerprint(self) -> str:
        """SHA-256 of the weights."""
        return hashlib.sha256(self.kernel.tobytes() + self.bias.tobytes()).hexdigest()


def load_start(source: str, label_names: Sequence[str], backbone: str) -> Start:
    """Read the head of a bundle, its classes in the order of the data.

    Args:
        source: The bundle, see `hub.load_bundle`; of one on the Hub the Keras weights are
            downloaded.
        label_names: The data's label of each class number.
        backbone: Fingerprint of the backbone that is trained on.

    Raises:
        BundleError: It has no Keras weights, they do not fit, or its labels are others.
        HubError: The Hub cannot be reached or does not give it.
    """
    bundle = load_bundle(source, files=())
    if WEIGHTS not in bundle.config["files"]:
        raise BundleError(
            f"--init-from {source} holds no Keras weights ({WEIGHTS}) to go on from; name a bundle "
            "that train.py wrote."
        )
    _check_labels(bundle, label_names)
    # The same commit, should the branch move on meanwhile.
    kernel, bias = _read_head(load_bundle(source, bundle.commit, files=(WEIGHTS,)))
    order = [bundle.labels.index(label) for label in label_names]
    trained_on = bundle.config["training"].get("backbone", {}).get("fingerprint")
    if trained_on != backbone:
        print(
            f"The head of {source} was trained on another backbone; it may need more epochs.",
            file=sys.stderr,
        )
    return Start(kernel[:, order], bias[order], bundle.address, bundle.commit)


def _check_labels(bundle: Bundle, label_names: Sequence[str]) -> None:
    only_there = sorted(set(bundle.labels) - set(label_names))
    only_here = sorted(set(label_names) - set(bundle.labels))
    parts = [
        f"{where}: {', '.join(labels)}"
        for where, labels in (("only in the bundle", only_there), ("only in the data", only_here))
        if labels
    ]
    if parts:
        raise BundleError(
            f"--init-from {bundle.source} knows other labels than the data ({'; '.join(parts)}); "
            "name a bundle with the same labels, or leave --init-from out."
        )


def _read_head(bundle: Bundle) -> list[np.ndarray]:
    backbone = build_backbone(None, bundle.config["image_size"])
    network = classifier_network(backbone, len(bundle.labels))
    try:
        network.load_weights(bundle.path / WEIGHTS)
    except Exception as error:
        # Keras raises several kinds of error for a file that does not fit.
        raise BundleError(
            f"The {WEIGHTS} of {bundle.source} are not those of this network; name another bundle."
        ) from error
    return network.get_layer("predictions").get_weights()
