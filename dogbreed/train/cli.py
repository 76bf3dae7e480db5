"""The commands `dogbreed train` and `dogbreed evaluate`."""

import argparse
import dataclasses
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from dogbreed import hub
from dogbreed.errors import HubError, UsageError
from dogbreed.images import RESIZE_METHODS
from dogbreed.train.options import IMAGENET, Options, public_name

# Keywords of `hub.push_bundle` that are options too.
PUSH_OPTIONS = ("private", "revision", "tag", "replace")


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dogbreed train`; their defaults are in `Options`."""
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for the new bundle"
    )
    data = parser.add_argument_group("data")
    _add_dataset(data)
    data.add_argument("--train-split", metavar="NAME", help="default: train")
    data.add_argument("--test-split", metavar="NAME", help="default: test, else validation")
    data.add_argument(
        "--validation-per-class",
        type=positive,
        metavar="N",
        help="photos taken from the training split (default: 25)",
    )
    data.add_argument("--limit-per-class", type=positive, metavar="N", help="for a quick run")
    data.add_argument(
        "--not-dogs",
        metavar="DATASET",
        help="photos of something else than the classes, such as those without a dog, Hub id or "
        "folder; half of them train the rejection of such photos, the other half measure it",
    )
    data.add_argument(
        "--not-dogs-except",
        nargs="+",
        metavar="NAME",
        help="kinds of those photos that are neither, such as drawn dogs: they train nothing and "
        "are reported apart",
    )
    data.add_argument(
        "--independent",
        metavar="DATASET",
        help="labeled photos that have nothing to do with the training photos, Hub id or folder; "
        "half of them choose among fits and settle probabilities, sets and rejection, the other "
        "half measure",
    )
    data.add_argument(
        "--corrections",
        metavar="DATASET",
        help="what `serve --collect` has kept, Hub id or folder: more photos to train on, none to "
        "measure on",
    )
    data.add_argument(
        "--subject",
        metavar="WORD",
        help="what the photos show, such as cat, for all texts about the model (default: dog "
        "where most labels are breeds of dogs, else photo)",
    )
    data.add_argument(
        "--resize", choices=RESIZE_METHODS, help="how a photo becomes a square (default: crop)"
    )
    training = parser.add_argument_group("training")
    _add_training(training)
    _add_result(training)
    push = parser.add_argument_group("the Hub")
    push.add_argument("--push-to", metavar="USER/NAME", help="push the bundle there afterwards")
    push.add_argument("--private", action="store_true", default=None, help="visible only to you")
    push.add_argument("--revision", metavar="BRANCH", help="created if needed (default: main)")
    push.add_argument("--tag", help="name for this version")
    push.add_argument(
        "--replace",
        action="store_true",
        default=None,
        help="also delete files there that are not part of a model bundle",
    )


def _add_dataset(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--dataset", help=f"Hub id or folder (default: {Options.dataset})")
    group.add_argument("--dataset-revision", metavar="REV", help="branch, tag or commit on the Hub")
    group.add_argument("--image-column", metavar="NAME", help="if the data types leave it open")
    group.add_argument("--label-column", metavar="NAME", help="if the data types leave it open")


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--recipe",
        choices=("features", "article"),
        help="features: each view of a photo passes through the network once and is cached "
        "(default); article: new random views pass through it in every epoch",
    )
    group.add_argument(
        "--backbone-weights", metavar="PATH", help="default: Keras's ImageNet weights, downloaded"
    )
    group.add_argument(
        "--train-from",
        choices=("avg_pool", "mixed8"),
        help="where the frozen part ends: avg_pool trains only the head (default); mixed8 then "
        "trains the last two Inception blocks too, for photos unlike those of ImageNet",
    )
    group.add_argument("--image-size", type=positive, metavar="PIXELS", help="default: 299")
    group.add_argument(
        "--augment-views",
        type=int,
        metavar="N",
        help="random views of each photo (crops, other colors, smaller and compressed copies), in "
        "addition to the photo as it is (default: 2)",
    )
    group.add_argument(
        "--learning-rate",
        type=float,
        nargs="+",
        metavar="X",
        help="the validation photos choose one, or independent photos if given (default: 1e-3)",
    )
    group.add_argument(
        "--l2",
        type=float,
        nargs="+",
        metavar="X",
        help="as with --learning-rate (default: 3e-3 5e-3 1e-2)",
    )
    group.add_argument(
        "--blocks-learning-rate",
        type=float,
        metavar="X",
        help="with --train-from mixed8 (default: 1e-4)",
    )
    group.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="at most; the rate falls to zero in as many (default: 40)",
    )
    group.add_argument(
        "--patience",
        type=positive,
        metavar="N",
        help="stop after this many epochs without progress (default: 10)",
    )
    group.add_argument(
        "--final-fit",
        action=argparse.BooleanOptionalAction,
        help="fit once more on training and validation photos together (default: yes)",
    )
    group.add_argument("--seed", type=int, help="default: 42")
    group.add_argument(
        "--init-from",
        metavar="BUNDLE",
        help="start the head from this bundle, a folder or user/name[@revision]",
    )
    group.add_argument(
        "--warm-start",
        metavar=f"{IMAGENET}|PATH",
        help="start the head from ImageNet's own 120 dog classes: Keras's weights with top, "
        "downloaded or from a file",
    )


def _add_result(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--notes", type=Path, metavar="FILE", help="Markdown to include in the model card"
    )
    group.add_argument(
        "--examples",
        type=positive,
        metavar="N",
        help="put N test photos, each of another class and answered right, into the model for "
        "visitors of the page to try; only if you may publish them (default: none)",
    )
    group.add_argument("--cache-dir", type=Path, metavar="DIR", help="default: ~/.cache/dogbreed")
    group.add_argument(
        "--ray",
        nargs="?",
        const="local",
        metavar="ADDRESS",
        help="compute features and answers on the workers of a Ray cluster, or without ADDRESS on "
        "those of this machine (default: in this process)",
    )


def positive(text: str) -> int:
    """Parse a whole number from 1."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def train_command(arguments: argparse.Namespace) -> int:
    """Train, print the metrics, push the bundle if asked to, and say what to do next."""
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    fields = {field.name for field in dataclasses.fields(Options)}
    options = Options(**{name: value for name, value in given.items() if name in fields})
    push = {name: given[name] for name in PUSH_OPTIONS if name in given}
    for option, needed in _needed(given, options):
        raise UsageError(f"--{option} has no effect without {needed}; leave it out.")
    if arguments.push_to is None and push:
        raise UsageError(f"--{next(iter(push))} goes with --push-to; name where to push.")
    if arguments.push_to is not None:
        # Before hours are spent.
        hub.check_push(arguments.push_to, **push)
    _quiet_tensorflow()
    from dogbreed.train.pipeline import train

    try:
        bundle = train(options)
    except KeyboardInterrupt:
        print("\nStopped; give the same command again to continue.", file=sys.stderr)
        return 130
    print(f"\n{'metric':24} {'value':>9}   measured on")
    for metric in bundle.config["metrics"]:
        data = f"{metric['dataset']}/{metric['split']}, {metric['count']} photos"
        print(f"{metric['name']:24} {metric['value']:9.4f}   {data}")
    print(f"\nThe model is in {options.output}. Next:")
    print(f"  python -m dogbreed predict PHOTO --model {options.output}")
    print(f"  python -m dogbreed serve --model {options.output}")
    if arguments.push_to is None:
        print(f"  python -m dogbreed push {options.output} USER/NAME")
        return 0
    try:
        print(f"\nPushed to {hub.push_bundle(bundle, arguments.push_to, **push)}")
    except HubError:
        again = ["python", "-m", "dogbreed", "push", str(options.output), arguments.push_to]
        for name, value in push.items():
            again += [f"--{name}"] if value is True else [f"--{name}", value]
        print(f"\nThe model was not pushed. To push it again:\n  {shlex.join(again)}")
        raise
    return 0


def _needed(given: dict, options: Options) -> Iterator[tuple[str, str]]:
    """Yield options that were given although they have no effect, and what they would need."""
    if options.recipe == "article":
        for name in ("augment_views", "learning_rate", "l2", "final_fit"):
            if name in given:
                yield name.replace("_", "-"), "--recipe features"
    if options.train_from == "avg_pool" and "blocks_learning_rate" in given:
        yield "blocks-learning-rate", "--train-from mixed8"


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dogbreed evaluate`."""
    parser.add_argument(
        "bundle", metavar="BUNDLE", help="folder, or user/name[@revision] on the Hub"
    )
    data = parser.add_argument_group("data")
    _add_dataset(data)
    data.add_argument(
        "--test-split", metavar="NAME", help="default: test, else validation, else the only one"
    )
    data.add_argument(
        "--not-dogs",
        metavar="DATASET",
        help="photos of something else than the classes, such as those without a dog, Hub id or "
        "folder; the half that training does not use is measured",
    )
    data.add_argument(
        "--not-dogs-except",
        nargs="+",
        default=[],
        metavar="NAME",
        help="kinds of those photos that are neither, such as drawn dogs, reported apart",
    )
    data.add_argument(
        "--independent",
        metavar="DATASET",
        help="labeled photos that have nothing to do with the training photos, Hub id or folder; "
        "the half that training does not use is measured, each source apart",
    )
    parser.add_argument(
        "--report",
        type=Path,
        default=Path("metrics"),
        metavar="DIR",
        help="folder for report.html, tables and plots (default: metrics)",
    )


def evaluate_command(arguments: argparse.Namespace) -> int:
    """Measure a bundle on a dataset, print the metrics, and write the report."""
    _quiet_tensorflow()
    from dogbreed.train.measure.assess import evaluate_bundle
    from dogbreed.train.report.html import REPORT

    dataset = arguments.dataset or Options.dataset
    if arguments.not_dogs_except and arguments.not_dogs is None:
        raise UsageError("--not-dogs-except goes with --not-dogs; name these photos.")
    split, results = evaluate_bundle(
        arguments.bundle,
        dataset,
        arguments.not_dogs,
        arguments.report,
        not_dogs_except=arguments.not_dogs_except,
        independent=arguments.independent,
        revision=arguments.dataset_revision,
        image_column=arguments.image_column,
        label_column=arguments.label_column,
        split=arguments.test_split,
    )
    titles = {
        "independent": f"{public_name(arguments.independent or '')}, held out",
        "negatives": f"{public_name(arguments.not_dogs or '')}, held out",
        "test": f"{public_name(dataset)}/{split}",
    }
    for part, (metrics, count) in results.metrics().items():
        print(f"\n{arguments.bundle} on {titles[part]}")
        for name, value in metrics.items():
            print(f"{name:24} {value:.4f}   {count} photos")
    print(f"The report is {arguments.report / REPORT}.")
    return 0


def _quiet_tensorflow() -> None:
    # TensorFlow greets with a page of notices otherwise; what goes wrong is raised all the same.
    # It takes seconds to import, so the modules that need it are imported where a command needs
    # them, and this must be set before.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
