"""Two ways to train, as `benchmarks.training` lets them take turns: ours and the article's."""

import dataclasses
import itertools
import math
import statistics
from functools import partial
from pathlib import Path

import keras
import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks.timing import timed
from dogbreed.train.data.cuts import cut_validation
from dogbreed.train.data.photos import Photos
from dogbreed.train.network.article import fit_article
from dogbreed.train.network.backbone import classifier_network, weights_fingerprint
from dogbreed.train.network.cached import Features
from dogbreed.train.network.features import Extractor
from dogbreed.train.network.fit import Fitted, fit_head
from dogbreed.train.network.frozen import BATCH_SIZE, best_precision
from dogbreed.train.network.views import view_names
from dogbreed.train.options import Options
from dogbreed.train.resumable import History

# What the article trains for.
ARTICLE_EPOCHS = 50
# Of the article's: between the halves of ours, and on single photos.
EPOCHS_FIRST = 4
EPOCHS_ALONE = 4


class Ours:
    """The project's own way: features view by view, then the head.

    Attributes:
        split: Rows of the photos to train on and to validate on.
        calls, firsts: By precision, the seconds of each view and of its first batch alone.
        views: Features of each view in the precision that training chooses.
        plain: By precision, float32 features of the plain view, (N, 2048).
    """

    def __init__(self, backbone: keras.Model, photos: Photos, folder: Path):
        self._backbone, self._photos, self._folder = backbone, photos, folder
        self._fingerprint = photos.fingerprint()
        self._extractor = Extractor(
            backbone,
            weights_fingerprint(backbone),
            resize=Options.resize,
            seed=Options.seed,
            cache_dir=folder,
        )
        # A quarter, about as in the full job.
        quarter = int(np.bincount(photos.labels).max()) // 4
        self.split = cut_validation(photos.labels, quarter, Options.seed)
        self.calls: dict[str, list[float]] = {best_precision(): [], "float32": []}
        self.firsts: dict[str, list[float]] = {precision: [] for precision in self.calls}
        self.views: list[Features] = []
        self.plain: dict[str, np.ndarray] = {}
        self._fit_seconds = 0.0

    def extract(self, view: str, precision: str) -> None:
        """Put all photos through the network in one view, after the first batch alone."""
        extract = partial(self._extractor.extract, view=view, precision=precision)
        batch = self._photos.select(np.arange(BATCH_SIZE))
        first, _ = timed(lambda: extract(batch, "first"))
        seconds, found = timed(lambda: extract(self._photos, self._fingerprint))
        self.firsts[precision].append(first)
        self.calls[precision].append(seconds)
        features = found["avg_pool"]
        if precision == best_precision():
            self.views.append(features)
        if view == "plain":
            self.plain[precision] = features[np.arange(len(features))].astype(np.float32)

    def fit(self) -> Fitted:
        """Fit the head with the first learning rate and L2 weight of the search."""
        keras.utils.set_random_seed(Options.seed)
        defaults = Options(self._folder)
        options = dataclasses.replace(
            defaults,
            learning_rate=[max(defaults.learning_rate)],
            l2=[min(defaults.l2)],
            final_fit=False,
        )
        classifier = classifier_network(self._backbone, len(self._photos.label_names))
        self._fit_seconds, fitted = timed(
            lambda: fit_head(
                classifier,
                self.views,
                self._photos.labels,
                self.split,
                options,
                groups=np.arange(len(self._photos)),
                folder=self._folder / "head",
            )
        )
        return fitted

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


class Article:
    """`train.py --recipe article`: each call continues with the epochs where the last one ended.

    How long an epoch takes is read from the TensorBoard log of the recipe, which notes the time at
    the end of each; the first epoch of a call also compiles the network and is left out.

    Attributes:
        accuracies: Top-1 on the validation photos after each epoch.
        start: Seconds of the first call beyond its epochs.
        epoch_end: Seconds of an epoch with one photo to train on and one to validate on, which are
            mostly those of saving the network's weights.
    """

    def __init__(
        self,
        backbone: keras.Model,
        photos: Photos,
        split: tuple[np.ndarray, np.ndarray],
        folder: Path,
    ):
        keras.utils.set_random_seed(Options.seed)
        self._classifier = classifier_network(backbone, len(photos.label_names))
        self._photos, self._split, self._folder = photos, split, folder
        self._epoch_seconds: list[float] = []
        self.accuracies: list[float] = []
        head = self._classifier.get_layer("predictions")
        untrained = head.get_weights()
        alone = (split[0][:1], split[1][:1])
        self._fit_until(EPOCHS_ALONE, alone, "alone")
        self.epoch_end = statistics.median(self._between_epochs("alone", 1))
        self.start = 0.0
        head.set_weights(untrained)

    def run(self, epochs: int) -> None:
        """Train for more epochs, with validation."""
        done = len(self.accuracies)
        seconds, history = self._fit_until(done + epochs, self._split, "article")
        self.accuracies = [epoch["val_accuracy"] for epoch in history]
        self._epoch_seconds += self._between_epochs("article", done + 1)
        self.start = self.start or seconds - epochs * self.epoch_seconds()

    def epoch_seconds(self) -> float:
        """Seconds of an epoch, without the start."""
        return statistics.median(self._epoch_seconds)

    def photo_seconds(self) -> float:
        """Seconds of a photo in an epoch, without the start and the end of the epoch."""
        # Two photos are in the end.
        photos = sum(map(len, self._split)) - 2
        return (self.epoch_seconds() - self.epoch_end) / photos

    def seconds(self) -> float:
        """What all epochs take in one go, with a single start."""
        return self.start + len(self.accuracies) * self.epoch_seconds()

    def _between_epochs(self, name: str, first: int) -> list[float]:
        """Seconds from the end of each epoch to that of the next, from epoch `first` on."""
        logs = EventAccumulator(str(self._folder / name / "logs" / "validation"))
        ends = [event.wall_time for event in logs.Reload().Tensors("epoch_loss")]
        return [after - before for before, after in itertools.pairwise(ends[first - 1 :])]

    def _fit_until(
        self, epochs: int, split: tuple[np.ndarray, np.ndarray], name: str
    ) -> tuple[float, History]:
        # This patience never stops it, since the article has no early stopping.
        options = Options(self._folder, recipe="article", epochs=epochs, patience=ARTICLE_EPOCHS)
        folder = self._folder / name
        seconds, (_, history) = timed(
            lambda: fit_article(self._classifier, self._photos, split, options, folder)
        )
        return seconds, history


def take_turns(ours: Ours, article: Article) -> Fitted:
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
        # At least two, since the first of a call is not counted.
        article.run(max(2, math.ceil(left)))
    return head
