"""Both ways to train, as `benchmarks.training` lets them take turns: ours and the article's."""

import dataclasses
import itertools
import math
import statistics
from pathlib import Path

import keras
import numpy as np
from dogbreed.train.precision import best_precision
from dogbreed.train.stages import fit_stages
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks.timing import timed
from dogbreed.train.article import fit_article
from dogbreed.train.backbone import classifier_network, weights_fingerprint
from dogbreed.train.cuts import cut_validation
from dogbreed.train.features import BATCH_SIZE, Features, extract_features, view_names
from dogbreed.train.fit import Tail
from dogbreed.train.options import Options
from dogbreed.train.photos import Photos

# What the article trains for.
ARTICLE_EPOCHS = 50
# Of the article's: between the halves of ours, and on single photos.
EPOCHS_FIRST = 4
EPOCHS_ALONE = 4


class Ours:
    """The product's own way: features view by view, then the head.

    Attributes:
        kept, held_out: Rows of the photos to train and to validate on.
        calls, firsts: By precision, the seconds of each view and of its first batch alone.
        views: Features of each view in the product's precision.
        plain: By precision, float32 features of the plain view, (N, 2048).
    """

    def __init__(self, backbone: keras.Model, photos: Photos, folder: Path):
        self._backbone, self._photos, self._folder = backbone, photos, folder
        self._prints = weights_fingerprint(backbone), photos.fingerprint()
        # A quarter, about as in the full job.
        quarter = int(np.bincount(photos.labels).max()) // 4
        self.kept, self.held_out = cut_validation(photos.labels, quarter, Options.seed)
        self.calls: dict[str, list[float]] = {best_precision(): [], "float32": []}
        self.firsts: dict[str, list[float]] = {precision: [] for precision in self.calls}
        self.views: list[Features] = []
        self.plain: dict[str, np.ndarray] = {}
        self._fit_seconds = 0.0

    def extract(self, view: str, precision: str) -> None:
        """Put all photos through the network in one view, after the first batch alone."""
        batch = self._photos.select(np.arange(BATCH_SIZE))
        first, _ = timed(lambda: self._features(batch, "first", view, precision))
        seconds, found = timed(
            lambda: self._features(self._photos, self._prints[1], view, precision)
        )
        self.firsts[precision].append(first)
        self.calls[precision].append(seconds)
        if precision == best_precision():
            self.views.append(found)
        if view == "plain":
            self.plain[precision] = found[np.arange(len(found))].astype(np.float32)

    def fit(self) -> Tail:
        """Fit the head with the first learning rate and L2 weight of the product's search."""
        keras.utils.set_random_seed(Options.seed)
        defaults = Options(self._folder)
        options = dataclasses.replace(
            defaults,
            learning_rate=[max(defaults.learning_rate)],
            l2=[min(defaults.l2)],
            final_fit=False,
        )
        classifier = classifier_network(self._backbone, len(self._photos.label_names))
        self._fit_seconds, stages = timed(
            lambda: fit_stages(
                classifier,
                {"avg_pool": self.views},
                self._photos.labels,
                self.kept,
                self.held_out,
                options,
                self._folder / "head",
            )
        )
        return stages.searched

    def seconds(self) -> float:
        """What all of it took: each view with its start, and the fit."""
        return sum(self.calls[best_precision()]) + self._fit_seconds

    def photo_seconds(self, precision: str) -> float:
        """Seconds of a photo in one view, without the start."""
        pairs = zip(self.calls[precision], self.firsts[precision], strict=True)
        seconds = statistics.median(call - first for call, first in pairs)
        return seconds / (len(self._photos) - BATCH_SIZE)

    def start_seconds(self, precision: str) -> float:
        """Seconds of a view beyond its photos: the network is compiled for the size of a batch."""
        first = statistics.median(self.firsts[precision])
        return first - BATCH_SIZE * self.photo_seconds(precision)

    def _features(self, photos: Photos, name: str, view: str, precision: str) -> Features:
        return extract_features(
            self._backbone,
            self._prints[0],
            photos,
            name,
            view,
            resize=Options.resize,
            seed=Options.seed,
            cache_dir=self._folder,
            precision=precision,
        )["avg_pool"]


class Article:
    """`train.py --recipe article`: each call goes on with the epochs where the last ended.

    How long an epoch takes is read from the TensorBoard log of the recipe, which notes the time at
    the end of each; the first epoch of a call also compiles the network and is left out.

    Attributes:
        accuracies: Top-1 on the validation photos after each epoch.
        start: Seconds of the first call beyond its epochs.
        epoch_end: Seconds of an epoch with one photo to train on and one to validate on: mostly
            for keeping the network's weights after each.
    """

    def __init__(
        self,
        backbone: keras.Model,
        photos: Photos,
        kept: np.ndarray,
        held_out: np.ndarray,
        folder: Path,
    ):
        keras.utils.set_random_seed(Options.seed)
        self._classifier = classifier_network(backbone, len(photos.label_names))
        self._photos, self._kept, self._held_out = photos, kept, held_out
        self._folder = folder
        self._epoch_seconds: list[float] = []
        self.accuracies: list[float] = []
        head = self._classifier.get_layer("predictions")
        untrained = head.get_weights()
        self._fit_until(EPOCHS_ALONE, kept[:1], held_out[:1], "alone")
        self.epoch_end = statistics.median(self._between_epochs("alone", 1))
        self.start = 0.0
        head.set_weights(untrained)

    def run(self, epochs: int) -> None:
        """Train so many epochs more, with validation."""
        done = len(self.accuracies)
        seconds, tail = self._fit_until(done + epochs, self._kept, self._held_out, "article")
        self.accuracies = [epoch["val_accuracy"] for epoch in tail.history]
        self._epoch_seconds += self._between_epochs("article", done + 1)
        self.start = self.start or seconds - epochs * self.epoch_seconds()

    def epoch_seconds(self) -> float:
        """Seconds of an epoch, without the start."""
        return statistics.median(self._epoch_seconds)

    def photo_seconds(self) -> float:
        """Seconds of a photo in an epoch, without the start and the end of the epoch."""
        # Two photos are in the end.
        photos = len(self._kept) + len(self._held_out) - 2
        return (self.epoch_seconds() - self.epoch_end) / photos

    def seconds(self) -> float:
        """What all epochs take in one go: a single start."""
        return self.start + len(self.accuracies) * self.epoch_seconds()

    def _between_epochs(self, name: str, first: int) -> list[float]:
        """Seconds from the end of each epoch to that of the next, from epoch `first` on."""
        logs = EventAccumulator(str(self._folder / name / "runs" / "article" / "validation"))
        ends = [event.wall_time for event in logs.Reload().Tensors("epoch_loss")]
        return [after - before for before, after in itertools.pairwise(ends[first - 1 :])]

    def _fit_until(
        self, epochs: int, kept: np.ndarray, held_out: np.ndarray, name: str
    ) -> tuple[float, Tail]:
        # The patience ends nothing here, since the article does without.
        options = Options(self._folder, recipe="article", epochs=epochs, patience=ARTICLE_EPOCHS)
        seconds, stages = timed(
            lambda: fit_article(
                self._classifier, self._photos, kept, held_out, options, self._folder / name
            )
        )
        return seconds, stages.tail


def take_turns(ours: Ours, article: Article) -> Tail:
    """Half of ours, some epochs of the article's, the rest of ours; more epochs if time is left.

    The article's epochs are not called one by one, as each call begins with a long start.

    Returns:
        The head of ours.
    """
    views = view_names(Options.augment_views)
    half = len(views) // 2

    def extract(some: list[str]) -> None:
        for view in some:
            ours.extract(view, best_precision())
        if best_precision() != "float32":
            ours.extract(some[0], "float32")

    extract(views[:half])
    article.run(EPOCHS_FIRST)
    extract(views[half:])
    head = ours.fit()
    left = (ours.seconds() - article.seconds()) / article.epoch_seconds()
    if left > 0:
        # Two, of which one is in its stride.
        article.run(max(2, math.ceil(left)))
    return head
