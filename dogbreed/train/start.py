"""What training starts from: random weights, an earlier bundle, or ImageNet's own dog classes."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from dogbreed.breeds import BREEDS
from dogbreed.bundle import WEIGHTS, Bundle
from dogbreed.errors import BundleError, DatasetError, UsageError
from dogbreed.hub import load_bundle
from dogbreed.train.backbone import (
    build_backbone,
    classifier_network,
    imagenet_head,
    weights_fingerprint,
)
from dogbreed.train.options import Options


@dataclass(frozen=True)
class Start:
    """The weights that a head starts from, if they are not random.

    Attributes:
        head: Kernel, float32 of shape (channels, num_classes), and bias of shape (num_classes,).
        address: The bundle on the Hub that they are from, None for a folder or for ImageNet.
        commit: The commit that it was read at.
    """

    head: list[np.ndarray]
    address: str | None = None
    commit: str | None = None

    def fingerprint(self) -> str:
        """SHA-256 of the weights."""
        return hashlib.sha256(b"".join(weight.tobytes() for weight in self.head)).hexdigest()


def build_start(options: Options, label_names: Sequence[str]) -> tuple[keras.Model, Start | None]:
    """Build the network to train, with the weights to start from.

    Args:
        options: `init_from`, `warm_start`, `backbone_weights` and `image_size` are used.
        label_names: The data's label of each class number.

    Returns:
        Network from `classifier_network`, and where its head is from, None for random weights.

    Raises:
        DogBreedError: The weights cannot be had or do not fit.
    """
    if options.init_from and options.warm_start:
        raise UsageError("--init-from and --warm-start both set the head; give one of them.")
    if options.init_from:
        return _from_bundle(options, label_names)
    backbone = build_backbone(options.backbone_weights, options.image_size)
    classifier = classifier_network(backbone, len(label_names))
    if not options.warm_start:
        return classifier, None
    columns = imagenet_columns(label_names)
    kernel, bias = imagenet_head(options.warm_start)
    start = Start([kernel[:, columns], bias[columns]])
    classifier.get_layer("predictions").set_weights(start.head)
    return classifier, start


def imagenet_columns(label_names: Sequence[str]) -> list[int]:
    """The ImageNet-1k class of each label of Stanford Dogs.

    Raises:
        DatasetError: A label is none of them.
    """
    columns = {breed.label: breed.imagenet_index for breed in BREEDS}
    unknown = [label for label in label_names if label not in columns]
    if unknown:
        raise DatasetError(
            f"--warm-start needs the labels of Stanford Dogs, and {', '.join(unknown[:5])} "
            f"{'is none' if len(unknown) == 1 else 'are none'} of them; leave it out."
        )
    return [columns[label] for label in label_names]


def _from_bundle(options: Options, label_names: Sequence[str]) -> tuple[keras.Model, Start]:
    source = options.init_from
    bundle = load_bundle(source, files=())
    if WEIGHTS not in bundle.config["files"]:
        raise BundleError(
            f"--init-from {source} holds no Keras weights ({WEIGHTS}) to go on from; name a bundle "
            "that train.py wrote."
        )
    _check_labels(bundle, label_names)
    # The same commit, should the branch move on meanwhile.
    trained = _read_network(load_bundle(source, bundle.commit, files=(WEIGHTS,)), options)
    kernel, bias = trained.get_layer("predictions").get_weights()
    order = [bundle.labels.index(label) for label in label_names]
    start = Start([kernel[:, order], bias[order]], bundle.address, bundle.commit)
    training = bundle.config["training"]
    if training.get("options", {}).get("train_from", "avg_pool") == "avg_pool":
        backbone = build_backbone(options.backbone_weights, options.image_size)
        if training.get("backbone", {}).get("fingerprint") != weights_fingerprint(backbone):
            print(
                f"The head of {source} was trained on another backbone; it may need more epochs.",
                file=sys.stderr,
            )
        trained = classifier_network(backbone, len(label_names))
    # Else the head belongs to the blocks that were trained with it, so all of it is taken.
    trained.get_layer("predictions").set_weights(start.head)
    return trained, start


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


def _read_network(bundle: Bundle, options: Options) -> keras.Model:
    network = classifier_network(build_backbone(None, options.image_size), len(bundle.labels))
    try:
        network.load_weights(bundle.path / WEIGHTS)
    except Exception as error:
        # Keras raises several kinds of error for a file that does not fit.
        raise BundleError(
            f"The {WEIGHTS} of {bundle.source} are not those of this network; name another bundle."
        ) from error
    return network
