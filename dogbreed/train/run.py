"""From a dataset to a model bundle, and from a bundle to its figures: what `train.py` does."""

import hashlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dogbreed.breeds import display_name
from dogbreed.bundle import CONFIG, Bundle
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import UsageError
from dogbreed.files import write_beside
from dogbreed.train.article import find_undecodable, fit_article
from dogbreed.train.data import Photos, TrainingData, cut_validation, load_training_data
from dogbreed.train.evaluate import Evaluation, accuracy, evaluate
from dogbreed.train.features import Features, extract_features, view_names
from dogbreed.train.fit import Head, fit_head, fit_name, search_head
from dogbreed.train.network import build_backbone, weights_fingerprint
from dogbreed.train.options import Options
from dogbreed.train.start import Start, load_start
from dogbreed.train.write import Fitted, write_bundle, write_results


def train(options: Options) -> Bundle:
    """Train a model and write its bundle; a killed run goes on where it was.

    Raises:
        DogBreedError: Options, data or backbone do not do, or the export answers differently.
    """
    check_output(options.output)
    notes = read_notes(options.notes)
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
    backbone = build_backbone(options.backbone_weights, options.image_size)
    prints = {
        "train": data.train.fingerprint(),
        "test": data.test.fingerprint(),
        "backbone": weights_fingerprint(backbone),
    }
    start = None
    if options.init_from is not None:
        start = load_start(options.init_from, data.train.label_names, prints["backbone"])
        prints["start"] = start.fingerprint()
    weights = start.weights if start else None
    folder = options.cache_dir / "fits" / _key(prints, data, options)

    def features(photos: Photos, view: str) -> Features:
        name = "test" if photos is data.test else "train"
        return extract_features(
            backbone,
            prints["backbone"],
            photos,
            prints[name],
            view,
            fit=options.fit,
            seed=options.seed,
            cache_dir=options.cache_dir,
        )

    if options.recipe == "article":
        undecodable = find_undecodable(data.train)
        _tell_skipped([data.train.describe(row) for row in undecodable])
        photos = data.train.select(np.setdiff1d(np.arange(len(data.train)), undecodable))
        head = fit_article(backbone, photos, options, weights, folder)
        _, held_out = cut_validation(photos.labels, options.validation_per_class, options.seed)
        runs = [folder / "runs" / "article"]
        fitted = Fitted(head, head, [], len(held_out), undecodable, runs, start)
    else:
        views = [features(data.train, view) for view in view_names(options.augment_views)]
        fitted = _fit_on_features(views, data.train, options, start, folder)
    reference = _reference(features(data.test, "plain"), data.test, fitted.head)
    return write_bundle(backbone, fitted, reference, data, prints, notes, options)


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


def evaluate_bundle(source: str, photos: Photos, output: Path | None) -> dict[str, float]:
    """Evaluate a bundle with its serving network; write tables and pictures if asked to.

    Args:
        source: Bundle, as `DogBreedClassifier.from_pretrained` takes it.
        photos: What to evaluate on.
        output: Folder for per_breed.csv, confusion.csv, their pictures and evaluation.json.

    Returns:
        The figures of `evaluate.accuracy`, and `photos`, how many were evaluated.

    Raises:
        DogBreedError: There is no such bundle, or it does not know the labels.
    """
    evaluation = evaluate(DogBreedClassifier.from_pretrained(source), photos)
    _tell_skipped(evaluation.skipped)
    figures = {**accuracy(evaluation), "photos": len(evaluation.labels)}
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        write_results(evaluation, output)
        with write_beside(output / "evaluation.json") as file:
            file.write(json.dumps(figures, indent=2).encode() + b"\n")
    return figures


def _fit_on_features(
    views: list[Features],
    photos: Photos,
    options: Options,
    start: Start | None,
    folder: Path,
) -> Fitted:
    """Search on the training photos less validation, then fit on all of them."""
    undecodable = views[0].undecodable()
    _tell_skipped([photos.describe(row) for row in undecodable])
    usable = np.setdiff1d(np.arange(len(photos)), undecodable)
    kept, held_out = cut_validation(
        photos.labels[usable], options.validation_per_class, options.seed
    )
    kept, held_out = usable[kept], usable[held_out]

    def examples(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate([view[rows] for view in views]), np.tile(
            photos.labels[rows], len(views)
        )

    common = {
        "num_classes": len(photos.label_names),
        "patience": options.patience,
        "seed": options.seed,
        "start": start.weights if start else None,
    }
    logs = folder / "runs"
    searched, search = search_head(
        *examples(kept),
        (views[0][held_out], photos.labels[held_out]),
        learning_rates=options.learning_rate,
        l2=options.l2,
        epochs=options.epochs,
        folder=folder / "search",
        logs=logs,
        **common,
    )
    runs = [logs / fit_name(searched.learning_rate, searched.l2)]
    head = searched
    if options.final_fit:
        name = f"final-{runs[0].name}-{searched.best_epoch}epochs"
        head = fit_head(
            *examples(usable),
            None,
            learning_rate=searched.learning_rate,
            l2=searched.l2,
            epochs=searched.best_epoch,
            folder=folder / name,
            logs=logs / name,
            **common,
        )
        runs.append(logs / name)
    return Fitted(head, searched, search, len(held_out), undecodable, runs, start)


def _reference(features: Features, photos: Photos, head: Head) -> Evaluation:
    """What the float32 network answers, from its cached features."""
    undecodable = features.undecodable()
    rows = np.setdiff1d(np.arange(len(photos)), undecodable)
    logits = features[rows].astype(np.float32) @ head.kernel + head.bias
    names = tuple(map(display_name, photos.label_names))
    skipped = [photos.describe(row) for row in undecodable]
    return Evaluation(logits, photos.labels[rows], rows, names, skipped)


def _key(prints: dict[str, str], data: TrainingData, options: Options) -> str:
    """What a fit is kept under: it changes with everything that decides the result."""
    labels = hashlib.sha256(data.train.labels.tobytes()).hexdigest()
    # The folders within are named after the options that a fit has for itself.
    own = ("learning_rate", "l2", "final_fit")
    shared = {name: value for name, value in options.deciding().items() if name not in own}
    deciding = [prints, labels, data.train.label_names, shared]
    return hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:16]


def _tell_skipped(names: list[str]) -> None:
    if names:
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        print(f"Skipped {len(names)} photos that cannot be decoded: {shown}", file=sys.stderr)
