"""Training time compared with the article's recipe, on the same photos of a subset, in one run.

    python -m benchmarks.training --dataset DATA --backbone-weights WEIGHTS
    python -m benchmarks.training --dataset DATA --backbone-weights WEIGHTS --classes 10

Ours puts each view of a photo through the network once and fits the head on the cached features;
the article's recipe puts all photos through the network in every epoch. Both are the project's code
with its default options, as `train.py` runs it. They take turns, so that both see the same machine;
of several turns the median counts. What a call takes before its first photo is measured with a
single batch and listed as its start. The full job is extrapolated from this.
"""

import csv
import os
import statistics
import tempfile
from functools import partial
from pathlib import Path

# Otherwise TensorFlow prints a page of notices.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from loky import cpu_count

from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import timed
from benchmarks.training_ways import ARTICLE_EPOCHS, Article, Ours, take_turns
from dogbreed.bundle import DEFAULT_BUNDLE
from dogbreed.images import prepare
from dogbreed.train.data.cuts import cut_per_class, cut_validation
from dogbreed.train.data.load import load_training_data
from dogbreed.train.data.photos import Photos
from dogbreed.train.network.backbone import build_backbone, classifier_network
from dogbreed.train.network.cached import Features
from dogbreed.train.network.fit import HEAD_BATCH, Fitted, layers_above
from dogbreed.train.network.frozen import BATCH_SIZE, best_precision, boundary_output
from dogbreed.train.network.trainer import Trainer
from dogbreed.train.network.views import view_names
from dogbreed.train.options import Options
from dogbreed.train.resumable import MONITOR

LITERT_PHOTOS = 64
# Epochs of the head on as many photos as the full job has.
HEAD_EPOCHS = 5


def main() -> None:
    """Let both train in turns, then publish what they took and what the full job would take."""
    parser = benchmark_parser(__doc__, "training.json")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--backbone-weights", required=True)
    parser.add_argument("--classes", type=int, default=16, help="the first of the dataset")
    parser.add_argument("--photos-per-class", type=int, default=16, help="validation included")
    options = parser.parse_args()
    batches, rest = divmod(options.classes * options.photos_per_class, BATCH_SIZE)
    if rest or batches < 2:
        parser.error(
            f"--classes times --photos-per-class must be a multiple of {BATCH_SIZE} and at least "
            f"{2 * BATCH_SIZE}, so that all batches have one size, for which the network is "
            "compiled once."
        )
    # As train.py has it.
    tf.config.experimental.enable_op_determinism()
    full_job = load_training_data(options.dataset).train
    subset = choose(full_job, options.classes, options.photos_per_class)
    backbone = build_backbone(options.backbone_weights)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(backbone, subset, Path(folder))
        article = Article(backbone, subset, ours.split, Path(folder))
        head = take_turns(ours, article)
        litert_seconds, litert_start, litert_features = extract_in_litert(backbone, subset)
        head_seconds = head_epoch_seconds(backbone, full_job, ours.views, Path(folder))
    exact = ours.plain["float32"]
    rows = [
        row(
            f"features, TensorFlow {precision}",
            1000 * ours.photo_seconds(precision),
            ours.start_seconds(precision),
            relative_error(ours.plain[precision], exact),
            len(ours.calls[precision]),
        )
        for precision in ours.calls
    ]
    rows += [
        row(
            f"features, LiteRT float32, {cpu_count()} threads",
            1000 * litert_seconds,
            litert_start,
            relative_error(litert_features, exact[: len(litert_features)]),
            1,
        ),
        row(
            "article's recipe, an epoch, training and validation",
            1000 * article.photo_seconds(),
            article.start,
            None,
            len(article.accuracies),
        ),
        row(
            f"head, an epoch, as many photos as the full job's {len(full_job)}",
            1000 * head_seconds / len(full_job),
            None,
            None,
            HEAD_EPOCHS,
        ),
    ]
    title = f"Training on {len(subset)} photos of {options.classes} classes"
    publish(
        options.output,
        title,
        rows,
        **accuracy_facts(ours, article, head),
        **extrapolation(full_job, ours, article, head_seconds),
    )


def row(what: str, seconds: float, start: float | None, error: float | None, turns: int) -> dict:
    """A row of the table; None for what the part does not have."""
    return {
        "what": what,
        "s per 1,000 photos": seconds,
        "start, s": start,
        "relative error, %": None if error is None else 100 * error,
        "turns": turns,
    }


def choose(photos: Photos, classes: int, per_class: int) -> Photos:
    """Photos drawn at random from each of the first classes; the head keeps all classes."""
    of_classes = photos.select(np.flatnonzero(photos.labels < classes))
    _, chosen = cut_per_class(of_classes.labels, per_class, Options.seed)
    return of_classes.select(chosen)


def extract_in_litert(backbone: keras.Model, photos: Photos) -> tuple[float, float, np.ndarray]:
    """Convert the frozen part as it is and put some photos through it, one at a time.

    Returns:
        Median of the seconds of a photo, seconds of the conversion, float32 features (N, 2048).
    """
    size = backbone.input_shape[1]
    start, interpreter = timed(lambda: convert(backbone))
    photo, pooled = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def answer(number: int) -> np.ndarray:
        frame = prepare(photos.encoded(number), size, Options.resize).astype(np.float32)
        interpreter.set_tensor(photo["index"], frame[None] / 127.5 - 1)
        interpreter.invoke()
        return interpreter.get_tensor(pooled["index"])[0]

    # The first one also packs the weights.
    answer(0)
    numbers = range(min(LITERT_PHOTOS, len(photos)))
    answers = [timed(partial(answer, number)) for number in numbers]
    seconds = statistics.median(seconds for seconds, _ in answers)
    return seconds, start, np.stack([features for _, features in answers])


def convert(backbone: keras.Model) -> Interpreter:
    """The backbone and the average pooling in LiteRT, for one photo at a time."""
    network = keras.Model(backbone.input, boundary_output(backbone, "avg_pool"))
    one_photo = [keras.InputSpec(shape=(1, *backbone.input_shape[1:]), dtype="float32")]
    with tempfile.TemporaryDirectory() as folder:
        network.export(folder, verbose=False, input_signature=one_photo)
        converted = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    interpreter = Interpreter(model_content=converted, num_threads=cpu_count())
    interpreter.allocate_tensors()
    return interpreter


def head_epoch_seconds(
    backbone: keras.Model, full_job: Photos, views: list[Features], folder: Path
) -> float:
    """Seconds of one epoch of the head with as many photos and views as the full job has.

    The features are those of the subset over and over, in memory as `fit_head` has them.
    """
    pooled = [
        np.resize(view[np.arange(len(view))], (len(full_job), view.shape[1])) for view in views
    ]
    head = layers_above(classifier_network(backbone, len(full_job.label_names)), "avg_pool")
    start = head.get_weights()
    trainer = Trainer(
        head,
        pooled,
        full_job.labels,
        folder / "full",
        batch_size=HEAD_BATCH,
        # The labels do not belong to the features, so no epoch would be much better than the first.
        patience=HEAD_EPOCHS + 1,
        seed=Options.seed,
    )
    split = cut_validation(full_job.labels, Options.validation_per_class, Options.seed)
    rate = max(Options(folder).learning_rate)

    def fit(epochs: int) -> float:
        return timed(
            lambda: trainer.fit(
                f"{epochs}", split, start, learning_rate=rate, l2=0.0, epochs=epochs
            )
        )[0]

    return (fit(1 + HEAD_EPOCHS) - fit(1)) / HEAD_EPOCHS


def accuracy_facts(ours: Ours, article: Article, head: Fitted) -> dict:
    """How often both are right on the same validation photos after the same time, all measured."""
    kept, held_out = ours.split
    count = len(held_out)

    def stated(top_1: float) -> str:
        return f"{top_1:.1%}, {round(top_1 * count)} of {count} photos"

    return {
        "measured_photos": f"{len(kept)} to train, {count} to validate",
        "measured_ours_seconds": round(ours.seconds(), 1),
        "measured_ours_what": (
            f"{len(ours.views)} views in {best_precision()} and one fit of the head, "
            f"{len(head.history)} epochs, the best of them {head.best_epoch}"
        ),
        "measured_ours_top_1": stated(head.best["val_accuracy"]),
        "measured_article_seconds": round(article.seconds(), 1),
        "measured_article_what": (
            f"{len(article.accuracies)} epochs, which last at least as long as ours"
        ),
        "measured_article_top_1": stated(article.accuracies[-1]),
        "measured_article_end_of_an_epoch_seconds": round(article.epoch_end, 2),
    }


def extrapolation(full_job: Photos, ours: Ours, article: Article, head_seconds: float) -> dict:
    """Seconds of the full job, from the seconds of a photo and of an epoch that were measured."""
    photos = len(full_job)
    head_epochs = sum(epochs_of_shipped_model())
    fitting = head_epochs * head_seconds
    view = photos * ours.photo_seconds(best_precision())
    theirs = ARTICLE_EPOCHS * (photos * article.photo_seconds() + article.epoch_end)
    facts = {
        "extrapolated_to": f"{photos} photos, training and validation",
        "extrapolated_article_seconds": round(theirs),
        "extrapolated_article_what": f"{ARTICLE_EPOCHS} epochs of training and validation photos",
        "extrapolated_a_view_seconds": round(view),
        "extrapolated_head_seconds": round(fitting),
        "extrapolated_head_what": (
            f"{head_epochs} epochs, those of all fits of the model that ships, "
            f"{head_seconds:.2f} s each as measured here"
        ),
    }
    # Plain and mirrored only, and what train.py does by default.
    for views in (2, len(view_names(Options.augment_views))):
        total = views * view + fitting
        facts[f"extrapolated_ours_with_{views}_views_seconds"] = round(total)
        facts[f"extrapolated_article_over_ours_with_{views}_views"] = round(theirs / total, 1)
    return facts


def epochs_of_shipped_model() -> list[int]:
    """Epochs of each fit of the search, and of the last fit on all photos.

    Its search was the full job. A small subset does not show how many epochs a head needs, since an
    epoch is a single step there.
    """
    with (DEFAULT_BUNDLE / "metrics" / "search.csv").open(newline="") as file:
        fits = list(csv.DictReader(file))
    best = min(fits, key=lambda fit: float(fit[MONITOR]))
    searched = [min(int(fit["epochs"]) + Options.patience, Options.epochs) for fit in fits]
    return [*searched, int(best["epochs"])]


def relative_error(found: np.ndarray, exact: np.ndarray) -> float:
    """Length of the difference over length of the exact features, (N, 2048), of all photos."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


if __name__ == "__main__":
    main()
