"""From a dataset to a model bundle, and from a bundle to its figures: what `train.py` does."""

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dogbreed.bundle import CONFIG, Bundle, write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import UsageError
from dogbreed.train.article import fit_article
from dogbreed.train.backbone import backbone_of, weights_fingerprint
from dogbreed.train.cuts import cut_validation, learned_from, measured_on
from dogbreed.train.data import TrainingData, load_negatives, load_training_data
from dogbreed.train.evaluate import Evaluation, detect, detection_figures, evaluate, figures
from dogbreed.train.features import Features, extract_features, view_names
from dogbreed.train.fit import Tail
from dogbreed.train.options import Options
from dogbreed.train.photos import Photos
from dogbreed.train.precision import best_precision
from dogbreed.train.rejection import Answers
from dogbreed.train.report import REPORT, write_report
from dogbreed.train.stages import fit_stages
from dogbreed.train.start import build_start
from dogbreed.train.trust import answers_of, settle
from dogbreed.train.write import Fitted, write_bundle, write_results


def train(options: Options) -> Bundle:
    """Train a model and write its bundle; a killed run goes on where it was.

    Raises:
        DogBreedError: Options, data or backbone do not do, or the export answers differently.
    """
    check_output(options.output)
    if options.recipe == "article" and options.train_from != "avg_pool":
        raise UsageError("--recipe article trains the head alone; leave --train-from out.")
    notes = read_notes(options.notes)
    options = dataclasses.replace(options, precision=options.precision or best_precision())
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)
    data = load_training_data(
        options.dataset,
        revision=options.dataset_revision,
        image_column=options.image_column,
        label_column=options.label_column,
        train_split=options.train_split,
        test_split=options.test_split,
        limit_per_class=options.limit_per_class,
        seed=options.seed,
    )
    negatives = load_negatives(options.not_dogs) if options.not_dogs else None
    classifier, start = build_start(options, data.train.label_names)
    backbone = backbone_of(classifier)
    prints = {
        "train": data.train.fingerprint(),
        "test": data.test.fingerprint(),
        "backbone": weights_fingerprint(backbone),
    }
    if negatives is not None:
        prints["not_dogs"] = negatives.fingerprint()
    if start is not None:
        prints["start"] = start.fingerprint()
    folder = options.cache_dir / "fits" / _key(prints, data, options)

    def features(photos: Photos, name: str, view: str, *boundaries: str) -> dict[str, Features]:
        return extract_features(
            backbone,
            prints["backbone"],
            photos,
            prints[name],
            view,
            resize=options.resize,
            seed=options.seed,
            cache_dir=options.cache_dir,
            boundaries=boundaries,
            # What is measured is measured exactly.
            precision=options.precision if photos is data.train else "float32",
        )

    boundary = options.train_from
    # One pass gives all; the head is fitted first in any case.
    needed = ("avg_pool",) if boundary == "avg_pool" else ("avg_pool", boundary)
    names = ["plain"] if options.recipe == "article" else view_names(options.augment_views)
    extracted = [features(data.train, "train", view, *needed) for view in names]
    views = {name: [view[name] for view in extracted] for name in needed}
    undecodable = views["avg_pool"][0].undecodable()
    _tell_skipped([data.train.describe(row) for row in undecodable])
    usable = np.setdiff1d(np.arange(len(data.train)), undecodable)
    labels = data.train.labels
    kept, held_out = cut_validation(labels[usable], options.validation_per_class, options.seed)
    kept, held_out = usable[kept], usable[held_out]
    if options.recipe == "article":
        stages = fit_article(classifier, data.train, kept, held_out, options, folder)
    else:
        stages = fit_stages(classifier, views, labels, kept, held_out, options, folder)

    def answers(tail: Tail, features: Features, rows: np.ndarray) -> Answers:
        return answers_of(classifier, tail, boundary, features, rows)

    plain = views[boundary][0]
    trust = settle(
        answers(stages.searched, plain, kept),
        labels[kept],
        answers(stages.searched, plain, held_out),
        labels[held_out],
        negatives
        and answers(
            stages.searched,
            features(negatives, "not_dogs", "plain", boundary)[boundary],
            learned_from(negatives),
        ),
        options.seed,
    )
    shown = features(data.test, "test", "plain", boundary)[boundary]
    undecodable_test = shown.undecodable()
    rows = np.setdiff1d(np.arange(len(data.test)), undecodable_test)
    logits = answers(stages.tail, shown, rows).logits
    reference = Evaluation(logits, data.test.labels[rows], rows, data.test.label_names, [])
    fitted = Fitted(stages, trust, kept, held_out, undecodable, start)
    return write_bundle(classifier, fitted, reference, data, negatives, prints, notes, options)


def check_output(output: Path) -> None:
    """Refuse an output folder that holds something else than a bundle.

    Raises:
        UsageError: It does.
    """
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output} is a file; name a folder.")
    if output.is_dir() and any(output.iterdir()) and not (output / CONFIG).exists():
        raise UsageError(f"--output {output} holds other files; name a new or empty folder.")


def read_notes(path: Path | None) -> str:
    """The text that the card includes.

    Raises:
        UsageError: The file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--notes {path} cannot be read ({error}); name a text file.") from None


def evaluate_bundle(
    source: str, photos: Photos, negatives: Photos | None, output: Path
) -> dict[str, tuple[float, int]]:
    """Evaluate a bundle with its serving network; write the report.

    Args:
        source: Bundle, as `DogBreedClassifier.from_pretrained` takes it.
        photos: What to evaluate on.
        negatives: Photos without a dog, if there are any; the half is used that training leaves.
        output: Folder for tables, pictures, report.html and evaluation.json.

    Returns:
        Each figure of `evaluate.figures` and `evaluate.detection_figures`, and how many photos it
        was measured on.

    Raises:
        DogBreedError: There is no such bundle, or it does not know the labels.
    """
    classifier = DogBreedClassifier.from_pretrained(source)
    if negatives is not None and not classifier.bundle.config["thresholds"]:
        raise UsageError(f"{source} cannot tell dogs from other things; leave --not-dogs out.")
    evaluation = evaluate(classifier, photos)
    _tell_skipped(evaluation.skipped)
    count = len(evaluation.labels)
    measured = {name: (value, count) for name, value in figures(evaluation).items()}
    others = None
    if negatives is not None:
        others = detect(classifier, negatives, measured_on(negatives))
        found = detection_figures(evaluation, others)
        measured |= {name: (value, len(others.is_dog)) for name, value in found.items()}
    output.mkdir(parents=True, exist_ok=True)
    write_results(evaluation, others, output)
    write_report(output / REPORT, classifier, evaluation, photos, others)
    with write_beside(output / "evaluation.json") as file:
        rows = {name: {"value": value, "photos": n} for name, (value, n) in measured.items()}
        file.write(json.dumps(rows, indent=2).encode() + b"\n")
    return measured


def _key(prints: dict[str, str], data: TrainingData, options: Options) -> str:
    """What a fit is kept under: it changes with everything that decides the result."""
    labels = hashlib.sha256(data.train.labels.tobytes()).hexdigest()
    # The folders within are named after the options that a fit has for itself.
    own = ("learning_rate", "l2", "final_fit", "train_from", "blocks_learning_rate")
    shared = {name: value for name, value in options.deciding().items() if name not in own}
    decided_by = {name: value for name, value in prints.items() if name != "not_dogs"}
    deciding = [decided_by, labels, data.train.label_names, shared]
    return hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:16]


def _tell_skipped(names: list[str]) -> None:
    if names:
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        print(f"Skipped {len(names)} photos that cannot be decoded: {shown}", file=sys.stderr)
