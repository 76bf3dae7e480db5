"""From a dataset to a model bundle: what `dogbreed train` does, in order."""

import contextlib
import dataclasses
import hashlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from dogbreed.bundle import WEIGHTS, Bundle
from dogbreed.classifier import DogBreedClassifier
from dogbreed.train.checks import check_data, check_options, read_notes
from dogbreed.train.data.corrections import add_corrections, leave_out_measured
from dogbreed.train.data.cuts import learned_from
from dogbreed.train.data.independent import Independent, load_independent
from dogbreed.train.data.load import TrainingData, leave_out_kinds, load_negatives
from dogbreed.train.data.photos import Photos, report_skipped
from dogbreed.train.data.splits import (
    Split,
    describe_data,
    leave_out_duplicates,
    load_data,
    split_rows,
)
from dogbreed.train.data.trained_on import write_trained_on
from dogbreed.train.disk import locked
from dogbreed.train.export.litert import export, open_bundle
from dogbreed.train.measure.audit import audit_labels
from dogbreed.train.measure.everything import measure
from dogbreed.train.network.article import LEARNING_RATE, fit_article
from dogbreed.train.network.backbone import backbone_of, build_start, weights_fingerprint
from dogbreed.train.network.cached import Features
from dogbreed.train.network.features import Extractor
from dogbreed.train.network.fit import (
    answers_of,
    fit_blocks,
    fit_head,
    layers_above,
)
from dogbreed.train.network.frozen import best_precision
from dogbreed.train.network.served import open_here
from dogbreed.train.network.views import view_names
from dogbreed.train.options import Options
from dogbreed.train.report.examples import write_examples
from dogbreed.train.report.results import metric_rows, rows_of_results, write_results
from dogbreed.train.report.write import (
    begin_bundle,
    begin_config,
    describe_training,
    finish_bundle,
    write_audit,
    write_fit,
    write_trust,
)
from dogbreed.train.resumable import Fitted, fit_key
from dogbreed.train.trust.settling import learn_to_reject, settle_served

if TYPE_CHECKING:
    from dogbreed.train.network.workers import Workers

# Validation photos at most that choose how to round: in float32 each takes its time.
CHOOSING = 1000
# For each boundary the features of all training photos, view by view.
Views = Mapping[str, list[Features]]


def train(options: Options) -> Bundle:
    """Train a model and write its bundle; a run that was killed continues where it was.

    Raises:
        DogBreedError: Options, data or backbone cannot be used, or the export answers differently.
    """
    check_options(options)
    # A link stays a link; what it points to is replaced.
    options = dataclasses.replace(options, output=options.output.resolve())
    key = hashlib.sha256(str(options.output).encode()).hexdigest()
    with (
        locked(options.cache_dir / "outputs" / key[:16], str(options.output)),
        join(options.ray) as workers,
    ):
        return _train(options, workers)


def join(address: str | None) -> contextlib.AbstractContextManager["Workers | None"]:
    """Join the cluster at an address for the time of a block; None to work without one."""
    if address is None:
        return contextlib.nullcontext()
    # Imported here: nothing else in training needs Ray.
    from dogbreed.train.network.workers import joined

    return joined(address)


def _train(options: Options, workers: "Workers | None") -> Bundle:
    notes = read_notes(options.notes)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)

    data, negatives, neither, independent = load(options)
    classifier, origin = build_start(options, data.train.label_names)

    extractor = begin_extractor(classifier, options, workers)
    opened = open_here if workers is None else workers.open
    if data.corrected:
        measured = [data.test, *(vars(independent).values() if independent else ())]
        data = leave_out_measured(data, measured, lambda photos: extract_plain(extractor, photos))
    views = extract_views(extractor, data.train, options)
    plain = views["avg_pool"][0]
    to_compare = extract_plain(extractor, data.test)
    data, groups, pairs = leave_out_duplicates(data, plain, to_compare)
    split = split_rows(data.train.labels, name_skipped(data.train, plain), groups, options)
    judges = None
    if independent is not None:
        judges = extract_judges(extractor, independent.settling)
    fitted = fit(classifier, data.train, views, split, options, groups=groups, judges=judges)

    partial = begin_bundle(options.output)
    config = begin_config(data.train.label_names, options)
    config["training"] = {
        **describe_data(data, vars(independent) if independent else None),
        **describe_training(fitted, extractor.fingerprint, origin, options),
        "notes": notes,
    }
    layers_above(classifier, options.train_from).set_weights(fitted.weights)
    classifier.save_weights(partial / WEIGHTS)
    chosen, shown = (data.train, split[1]), views[options.train_from]
    exact = answer_exactly(classifier, fitted, chosen, shown[0], extractor, options)
    agreement = export(
        classifier,
        data.train,
        split[0],
        exact,
        heads=(fitted.weights[-2:], exact_weights(fitted, options)[-2:]),
        config=config,
        partial=partial,
        opened=opened,
    )
    ask, may_settle = opened(open_bundle(partial, config)), (data.train, split[2])
    settling, taught = independent.settling if independent else None, None
    if negatives is not None:
        taught = learn_to_reject(
            extractor,
            classifier,
            fitted,
            (shown, split[0]),
            negatives.select(learned_from(negatives)),
            options,
        )
    trust = settle_served(
        ask, fitted, may_settle, taught, settling, options, subject=config["subject"]
    )
    write_trust(trust, config, partial)

    serving = DogBreedClassifier(open_bundle(partial, config))
    elsewhere = independent.measuring if independent else None
    results = measure(serving, ask, data.test, elsewhere, negatives, neither)
    config["metrics"] = [
        *rows_of_results(results, options, data.test.split),
        *metric_rows(fitted.validation_metrics(), options.dataset, "validation", len(split[1])),
        *metric_rows(agreement, options.dataset, "validation", len(exact[0])),
    ]

    write_fit(fitted, partial)
    write_results(results, partial / "metrics", trust.compared, config["subject"])
    write_audit(audit_labels(fitted, data.train, plain, trust.temperature), pairs, partial)
    write_trained_on(partial, data.train)
    if options.examples:
        found = write_examples(serving, data.test, options.examples, partial)
        print(f"{found} test photos go with the model as examples.", file=sys.stderr)
    return finish_bundle(partial, config, options.output)


def begin_extractor(
    classifier: keras.Model, options: Options, workers: "Workers | None"
) -> Extractor:
    """Return what computes the features below a network's head, here or on workers."""
    backbone = backbone_of(classifier)
    return Extractor(
        backbone,
        weights_fingerprint(backbone),
        resize=options.resize,
        seed=options.seed,
        cache_dir=options.cache_dir,
        workers=workers,
    )


def load(
    options: Options,
) -> tuple[TrainingData, Photos | None, Photos | None, Independent | None]:
    """Load all photos, say in a line each what they are, and check that they are enough.

    Returns:
        The training data, and, as far as they were given, photos without a dog, photos that are
        neither, and independent photos.
    """
    data = load_data(options)
    if options.corrections:
        data = add_corrections(data, options.corrections)
    print(data.summary(), file=sys.stderr)
    negatives, neither, independent = None, None, None
    if options.not_dogs:
        negatives = load_negatives(options.not_dogs)
        print(negatives.summary(), file=sys.stderr)
        if options.not_dogs_except:
            negatives, neither = leave_out_kinds(negatives, options.not_dogs_except)
    if options.independent:
        independent = load_independent(options.independent, data.train)
        print(independent.summary(), file=sys.stderr)
    check_data(data, negatives, options)
    return data, negatives, neither, independent


def extract_views(extractor: Extractor, photos: Photos, options: Options) -> Views:
    """Compute the features of the training photos at each boundary that is needed.

    One pass gives all boundaries; the head is fitted on pooled features first in any case.
    """
    needed = list(dict.fromkeys(["avg_pool", options.train_from]))
    names = ["plain"] if options.recipe == "article" else view_names(options.augment_views)
    extracted = [
        extractor.extract(photos, photos.fingerprint(), name, needed, best_precision())
        for name in names
    ]
    return {boundary: [view[boundary] for view in extracted] for boundary in needed}


def extract_plain(extractor: Extractor, photos: Photos) -> Features:
    """Compute the pooled features of photos as they are, to compare photos with one another."""
    extracted = extractor.extract(photos, photos.fingerprint(), "plain", precision=best_precision())
    return extracted["avg_pool"]


def extract_judges(extractor: Extractor, photos: Photos) -> tuple[np.ndarray, np.ndarray]:
    """Compute the pooled features of independent photos; return them with their classes."""
    features = extractor.extract(photos, photos.fingerprint(), "plain")["avg_pool"]
    rows = features.decodable()
    return features[rows].astype(np.float32), photos.labels[rows]


def name_skipped(photos: Photos, features: Features) -> np.ndarray:
    """Print which photos cannot be decoded; return the rows of the others."""
    usable = features.decodable()
    skipped = np.setdiff1d(np.arange(len(photos)), usable)
    report_skipped([photos.describe(row) for row in skipped])
    return usable


def fit(
    classifier: keras.Model,
    photos: Photos,
    views: Views,
    split: Split,
    options: Options,
    *,
    groups: np.ndarray,
    judges: tuple[np.ndarray, np.ndarray] | None = None,
) -> Fitted:
    """Fit by the recipe that was asked for; see `fit.fit_head`."""
    folder, rows = options.cache_dir / "fits", split[:2]
    if options.recipe == "article":
        described = [views["avg_pool"][0].key, options.epochs, options.patience, options.seed]
        start = classifier.get_layer("predictions").get_weights()
        folder /= f"article-{fit_key(described, [*rows, photos.labels, *start])}"
        with locked(folder):
            weights, history = fit_article(classifier, photos, rows, options, folder)
        runs = {"article": folder / "logs"}
        return Fitted(weights, weights, history, LEARNING_RATE, 0.0, [], runs)
    head = fit_head(
        classifier,
        views["avg_pool"],
        photos.labels,
        rows,
        options,
        groups=groups,
        judges=judges,
        folder=folder,
    )
    if options.train_from == "avg_pool":
        return head
    maps = views[options.train_from]
    return fit_blocks(classifier, maps, photos.labels, rows, options, head=head, folder=folder)


def exact_weights(fitted: Fitted, options: Options) -> list[np.ndarray]:
    """Return the weights whose answers to validation photos say how the rounding does.

    They have not seen these photos if only the head differs from what is served.
    """
    return fitted.searched if options.out_of_fold else fitted.weights


def answer_exactly(
    classifier: keras.Model,
    fitted: Fitted,
    chosen: tuple[Photos, np.ndarray],
    plain: Features,
    extractor: Extractor,
    options: Options,
) -> tuple[np.ndarray, np.ndarray]:
    """Answer some photos in float32; return their rows and the logits.

    Args:
        classifier, fitted: The network.
        chosen: Photos, and some rows of them that can be decoded.
        plain: Features of all of these photos, computed in `best_precision`.
        extractor: Computes them in float32 where that is another precision.
        options: Options of the run.
    """
    photos, rows = chosen
    rows = rows[:: max(1, len(rows) // CHOOSING)][:CHOOSING]
    boundary, weights = options.train_from, exact_weights(fitted, options)
    if best_precision() == "float32":
        return rows, answers_of(classifier, weights, boundary, plain, rows)[0]
    few = photos.select(rows)
    features = extractor.extract(few, few.fingerprint(), "plain", [boundary])[boundary]
    return rows, answers_of(classifier, weights, boundary, features, np.arange(len(few)))[0]
