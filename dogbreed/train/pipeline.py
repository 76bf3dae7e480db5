"""From a dataset to a model bundle: what `dogbreed train` does, in order."""

import dataclasses
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dogbreed.bundle import NETWORK, REJECTION, WEIGHTS, Bundle, describe_files
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import ExportError
from dogbreed.train.article import LEARNING_RATE, fit_article
from dogbreed.train.backbone import (
    backbone_of,
    build_start,
    evidence_network,
    weights_fingerprint,
)
from dogbreed.train.bias_correction import correct_means
from dogbreed.train.cached import Features
from dogbreed.train.checks import check_options, read_notes
from dogbreed.train.cuts import cut_validation, learned_from, measured_on
from dogbreed.train.data import TrainingData, load_negatives, load_training_data
from dogbreed.train.disk import full_disk_explained, locked
from dogbreed.train.evaluate import evaluate, evaluate_negatives
from dogbreed.train.export import (
    QUANTIZATIONS,
    check_agreement,
    check_evidence,
    export_litert,
    frames_of,
)
from dogbreed.train.features import Extractor, best_precision
from dogbreed.train.fit import answers_of, fit_blocks, fit_head, layers_above
from dogbreed.train.metrics import Evaluation, dog_metrics, rejection_metrics
from dogbreed.train.options import Options, public_name
from dogbreed.train.photos import Photos
from dogbreed.train.results import metric_rows, report_skipped, write_results
from dogbreed.train.resumable import Fitted, fit_key
from dogbreed.train.trained_on import write_trained_on
from dogbreed.train.trust import settle
from dogbreed.train.views import view_names
from dogbreed.train.write import (
    begin_bundle,
    begin_config,
    describe_training,
    finish_bundle,
    write_fit,
)

# Photos that layers are compared on before and after rounding.
COMPARED = 16
# Photos that the ranges of the 8-bit activations are found on; docs/performance.md says why.
RANGING = 256

# For each boundary the features of all training photos, view by view.
Views = Mapping[str, list[Features]]
# Rows to train on and rows to validate on.
Split = tuple[np.ndarray, np.ndarray]


@full_disk_explained()
def train(options: Options) -> Bundle:
    """Train a model and write its bundle; a run that was killed continues where it was.

    Raises:
        DogBreedError: Options, data or backbone cannot be used, or the export answers differently.
    """
    check_options(options)
    # A link stays a link; what it points to is replaced.
    options = dataclasses.replace(options, output=options.output.resolve())
    key = hashlib.sha256(str(options.output).encode()).hexdigest()
    with locked(options.cache_dir / "outputs" / key[:16], str(options.output)):
        return _train(options)


def _train(options: Options) -> Bundle:
    notes = read_notes(options.notes)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)

    data = load_data(options)
    print(data.summary(), file=sys.stderr)
    negatives = load_negatives(options.not_dogs) if options.not_dogs else None
    if negatives is not None:
        print(negatives.summary(), file=sys.stderr)
    classifier, origin = build_start(options, data.train.label_names)
    fingerprints = take_fingerprints(classifier, data, negatives)

    extractor = Extractor(
        backbone_of(classifier),
        fingerprints["backbone"],
        resize=options.resize,
        seed=options.seed,
        cache_dir=options.cache_dir,
    )
    views = extract_views(extractor, data.train, fingerprints["train"], options)
    split = split_rows(data.train, views["avg_pool"][0], options)
    fitted = fit(classifier, data.train, views, split, fingerprints, options)

    boundary, (trained_on, validated_on) = options.train_from, split
    plain, searched = views[boundary][0], fitted.searched
    of_negatives = None
    if negatives is not None:
        rows, shown = extract_plain(extractor, negatives, fingerprints["negatives"], boundary)
        rows = np.intersect1d(rows, learned_from(negatives))
        of_negatives = answers_of(classifier, searched, boundary, shown, rows)
    trust = settle(
        answers_of(classifier, searched, boundary, plain, trained_on),
        answers_of(classifier, searched, boundary, plain, validated_on),
        data.train.labels[validated_on],
        of_negatives,
        options.seed,
    )
    rows, shown = extract_plain(extractor, data.test, fingerprints["test"], boundary)
    float32, _ = answers_of(classifier, fitted.weights, boundary, shown, rows)

    partial = begin_bundle(options.output)
    layers_above(classifier, boundary).set_weights(fitted.weights)
    classifier.save_weights(partial / WEIGHTS)
    if trust.rejection.arrays:
        np.savez(partial / REJECTION, allow_pickle=False, **trust.rejection.arrays)
    config = begin_config(data.train.label_names, options) | trust.config()
    config["training"] = {
        **describe_data(data, fingerprints),
        **describe_training(fitted, fingerprints["backbone"], origin, options),
        "notes": notes,
    }
    compared = frames_of(data.test, rows, config, COMPARED)
    evidence_error = {"evidence_error": check_evidence(classifier, compared)}
    everything = np.sort(np.concatenate(split))
    serving, served, agreement = export(classifier, data, everything, float32, config, partial)
    unseen = None
    if negatives is not None:
        unseen = evaluate_negatives(serving, negatives, measured_on(negatives))
    config["metrics"] = [
        *metric_rows(fitted.validation_metrics(), options.dataset, "validation", len(validated_on)),
        *metric_rows(dog_metrics(served), options.dataset, data.test.split, len(served)),
        *metric_rows(agreement, options.dataset, data.test.split, len(served)),
        *metric_rows(evidence_error, options.dataset, data.test.split, len(compared)),
    ]
    if unseen is not None and options.not_dogs is not None:
        measured = rejection_metrics(served, unseen)
        config["metrics"] += metric_rows(measured, options.not_dogs, "held out", len(unseen))

    write_fit(fitted, partial)
    write_trained_on(partial, data.train)
    write_results(served, unseen, partial / "metrics", trust.compared)
    return finish_bundle(partial, config, options.output)


def load_data(options: Options) -> TrainingData:
    """Load the photos to train and to test on."""
    return load_training_data(
        options.dataset,
        revision=options.dataset_revision,
        image_column=options.image_column,
        label_column=options.label_column,
        train_split=options.train_split,
        test_split=options.test_split,
        limit_per_class=options.limit_per_class,
        seed=options.seed,
    )


def describe_data(data: TrainingData, fingerprints: dict[str, str]) -> dict:
    """Make the part of `training` in config.json that says which photos were used."""
    return {
        "dataset": public_name(data.source),
        "revision": data.revision,
        "splits": {
            name: {
                "split": photos.split,
                "photos": len(photos),
                "fingerprint": fingerprints[name],
                "rule": rule.as_json(),
            }
            for name, photos, rule in (
                ("train", data.train, data.train_rule),
                ("test", data.test, data.test_rule),
            )
        },
    }


def take_fingerprints(
    classifier: keras.Model, data: TrainingData, negatives: Photos | None
) -> dict[str, str]:
    """Hash the photos and the backbone's weights."""
    fingerprints = {
        "train": data.train.fingerprint(),
        "test": data.test.fingerprint(),
        "backbone": weights_fingerprint(backbone_of(classifier)),
    }
    if negatives is not None:
        fingerprints["negatives"] = negatives.fingerprint()
    return fingerprints


def extract_views(
    extractor: Extractor, photos: Photos, fingerprint: str, options: Options
) -> Views:
    """Compute the features of the training photos at each boundary that is needed.

    One pass gives all boundaries; the head is fitted on pooled features first in any case.
    """
    needed = list(dict.fromkeys(["avg_pool", options.train_from]))
    names = ["plain"] if options.recipe == "article" else view_names(options.augment_views)
    extracted = [
        extractor.extract(photos, fingerprint, name, needed, best_precision()) for name in names
    ]
    return {boundary: [view[boundary] for view in extracted] for boundary in needed}


def extract_plain(
    extractor: Extractor, photos: Photos, fingerprint: str, boundary: str
) -> tuple[np.ndarray, Features]:
    """Compute the features of photos that are measured, exactly; return their rows too."""
    features = extractor.extract(photos, fingerprint, "plain", [boundary])[boundary]
    return features.decodable(), features


def split_rows(photos: Photos, features: Features, options: Options) -> Split:
    """Choose the rows to train on and to validate on; name the photos that are skipped."""
    usable = features.decodable()
    skipped = np.setdiff1d(np.arange(len(photos)), usable)
    report_skipped([photos.describe(row) for row in skipped])
    trained_on, validated_on = cut_validation(
        photos.labels[usable], options.validation_per_class, options.seed
    )
    return usable[trained_on], usable[validated_on]


def fit(
    classifier: keras.Model,
    photos: Photos,
    views: Views,
    split: Split,
    fingerprints: dict[str, str],
    options: Options,
) -> Fitted:
    """Fit by the recipe that was asked for."""
    folder = options.cache_dir / "fits"
    if options.recipe == "article":
        names = ("epochs", "patience", "seed", "resize", "image_size")
        described = [fingerprints["train"], fingerprints["backbone"]]
        described += [getattr(options, name) for name in names]
        start = classifier.get_layer("predictions").get_weights()
        folder /= f"article-{fit_key(described, [*split, photos.labels, *start])}"
        with locked(folder):
            weights, history = fit_article(classifier, photos, split, options, folder)
        runs = {"article": folder / "logs"}
        return Fitted(weights, weights, history, LEARNING_RATE, 0.0, [], runs)
    head = fit_head(classifier, views["avg_pool"], photos.labels, split, options, folder)
    if options.train_from == "avg_pool":
        return head
    maps = views[options.train_from]
    return fit_blocks(classifier, maps, photos.labels, split, options, head=head, folder=folder)


def export(
    classifier: keras.Model,
    data: TrainingData,
    rows: np.ndarray,
    float32: np.ndarray,
    config: dict,
    partial: Path,
) -> tuple[DogBreedClassifier, Evaluation, dict[str, float]]:
    """Export in the fastest way that answers like the float32 network; note in the config which.

    Args:
        classifier: The fitted network.
        data: Training photos, to find ranges on, and test photos, to compare answers on.
        rows: The training photos that were trained on.
        float32: What the network answers to the test photos, logits.
        config: Of the bundle, so far.
        partial: Folder of the bundle.

    Returns:
        The exported network, what it answers to the test photos, and how far that agrees.
    """
    evidence = evidence_network(classifier)
    corrected = correct_means(evidence, frames_of(data.train, rows, config, COMPARED))
    ranging = frames_of(data.train, rows, config, RANGING)
    for quantization in QUANTIZATIONS:
        export_litert(corrected, partial / NETWORK, quantization, ranging)
        config["training"]["quantization"] = quantization
        serving = DogBreedClassifier(Bundle(partial, config | {"files": describe_files(partial)}))
        served = evaluate(serving, data.test)
        try:
            return serving, served, check_agreement(float32, served.logits, served.labels)
        except ExportError:
            if quantization == QUANTIZATIONS[-1]:
                raise
            print("8-bit activations change the answers; only the weights are rounded.")
    raise AssertionError("the last way either returns or raises")
