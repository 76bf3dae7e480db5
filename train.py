"""Train a dog-breed recogniser on a labelled image dataset and write it as a model bundle.

    python train.py --output my-model
    python train.py --dataset photos/ --output my-model --limit-per-class 20
    python train.py --dataset user/dogs --recipe article --epochs 2 --output my-model
    python train.py --output my-model --push-to user/name --tag v1
    python train.py --init-from user/name --dataset photos/ --output my-model
    python train.py --not-dogs other-photos/ --output my-model
    python train.py --evaluate my-model --dataset user/dogs --report report

A killed run goes on where it was when the same command is given again.
"""

import argparse
import os
import shlex
import sys
from pathlib import Path

# TensorFlow greets with a page of notices otherwise; what goes wrong is raised all the same.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dogbreed.errors import DogBreedError, HubError, UsageError
from dogbreed.hub.push import check_push, push_bundle
from dogbreed.images import RESIZE_METHODS
from dogbreed.train.options import IMAGENET, Options, public_name


def build_parser() -> argparse.ArgumentParser:
    """The options; their defaults stand in `Options`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--output", type=Path, metavar="DIR", help="folder for the new bundle")
    task.add_argument("--evaluate", metavar="BUNDLE", help="measure this bundle instead")

    data = parser.add_argument_group("data")
    data.add_argument("--dataset", help=f"Hub id or folder (default: {Options.dataset})")
    data.add_argument("--dataset-revision", metavar="REV", help="branch, tag or commit of the Hub")
    data.add_argument("--image-column", metavar="NAME", help="where it cannot be told by type")
    data.add_argument("--label-column", metavar="NAME", help="where it cannot be told by type")
    data.add_argument("--train-split", metavar="NAME", help="default: train")
    data.add_argument("--test-split", metavar="NAME", help="default: test, else validation")
    data.add_argument(
        "--validation-per-class", type=positive, metavar="N", help="cut from training (default: 25)"
    )
    data.add_argument("--limit-per-class", type=positive, metavar="N", help="for a quick run")
    data.add_argument(
        "--not-dogs",
        metavar="DATASET",
        help="photos without a dog, Hub id or folder; half of them teach the model to say so, the "
        "other half measures it",
    )
    data.add_argument(
        "--resize", choices=RESIZE_METHODS, help="how a photo becomes a square (default: crop)"
    )

    how = parser.add_argument_group("training")
    how.add_argument(
        "--recipe",
        choices=("features", "article"),
        help="features: each view through the network once, kept on disk (default); "
        "article: augmented anew and through the network in every epoch",
    )
    how.add_argument(
        "--backbone-weights", metavar="PATH", help="default: Keras's ImageNet weights, downloaded"
    )
    how.add_argument(
        "--train-from",
        choices=("avg_pool", "mixed8"),
        help="where the frozen part ends: avg_pool, only the head is trained (default); mixed8, "
        "the last two Inception blocks too, after the head",
    )
    how.add_argument(
        "--precision",
        choices=("float32", "bfloat16"),
        help="of the training photos' features (default: bfloat16 where the processor has it)",
    )
    how.add_argument("--image-size", type=positive, metavar="PIXELS", help="default: 299")
    how.add_argument(
        "--augment-views",
        type=int,
        metavar="N",
        help="random crops beside plain and mirrored (default: 2)",
    )
    how.add_argument(
        "--learning-rate", type=float, nargs="+", metavar="X", help="tried on validation"
    )
    how.add_argument("--l2", type=float, nargs="+", metavar="X", help="tried on validation")
    how.add_argument(
        "--blocks-learning-rate", type=float, metavar="X", help="with --train-from mixed8"
    )
    how.add_argument("--epochs", type=positive, metavar="N", help="at most (default: 200)")
    how.add_argument(
        "--patience", type=positive, metavar="N", help="epochs without gain before stopping"
    )
    how.add_argument(
        "--final-fit",
        action=argparse.BooleanOptionalAction,
        help="fit once more on training and validation photos together (default: yes)",
    )
    how.add_argument("--seed", type=int, help="default: 42")
    how.add_argument(
        "--init-from",
        metavar="BUNDLE",
        help="start the head from this bundle, a folder or user/name[@revision]",
    )
    how.add_argument(
        "--warm-start",
        metavar=f"{IMAGENET}|PATH",
        help="start the head from ImageNet's own 120 breeds: Keras's weights with top, downloaded "
        "or from a file",
    )
    how.add_argument("--notes", type=Path, metavar="FILE", help="Markdown that the card includes")
    how.add_argument("--cache-dir", type=Path, metavar="DIR", help="default: ~/.cache/dogbreed")
    push = parser.add_argument_group("the Hub")
    push.add_argument("--push-to", metavar="USER/NAME", help="push the bundle there afterwards")
    push.add_argument("--private", action="store_true", default=None, help="only you may see it")
    push.add_argument("--revision", metavar="BRANCH", help="created if needed (default: main)")
    push.add_argument("--tag", help="name for this state")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="with --evaluate: where report.html, tables and pictures go (default: metrics)",
    )
    return parser


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = {k: v for k, v in vars(build_parser().parse_args(arguments)).items() if v is not None}
    source, report = given.pop("evaluate", None), given.pop("report", None)
    push_to = given.pop("push_to", None)
    push = {name: given.pop(name) for name in ("private", "revision", "tag") if name in given}
    try:
        if push_to is None and push:
            raise UsageError(f"--{next(iter(push))} goes with --push-to; name where to push.")
        if source is None:
            train_command(Options(**given), push_to, push)
        elif push_to is not None:
            raise UsageError("--evaluate pushes nothing; use `python -m dogbreed push`.")
        else:
            evaluate_command(source, given, report or Path("metrics"))
    except DogBreedError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ntrain.py: stopped; give the same command again to go on.", file=sys.stderr)
        return 130
    return 0


def train_command(options: Options, push_to: str | None, push: dict) -> None:
    """Train, say how good it is, push it if asked to, and say what to do next.

    Args:
        options: Of the training.
        push_to: Repository on the Hub, if it is to be pushed.
        push: Keywords of `push_bundle`.
    """
    if push_to is not None:
        # Before hours are spent.
        check_push(push_to, private="private" in push, tag=push.get("tag"))
    from dogbreed.train.run import train

    bundle = train(options)
    print(f"\n{'figure':16} {'value':>9}   measured on")
    for metric in bundle.config["metrics"]:
        data = f"{metric['dataset']}/{metric['split']}, {metric['count']} photos"
        print(f"{metric['name']:16} {metric['value']:9.4f}   {data}")
    print(f"\nThe model is in {options.output}. Next:")
    print(f"  python -m dogbreed predict PHOTO --model {options.output}")
    print(f"  python app.py --model {options.output}")
    if push_to is None:
        print(f"  python -m dogbreed push {options.output} USER/NAME")
        return
    try:
        print(f"\nPushed to {push_bundle(bundle, push_to, **push)}")
    except HubError:
        again = ["python", "-m", "dogbreed", "push", str(options.output), push_to]
        for name, value in push.items():
            again += [f"--{name}"] if value is True else [f"--{name}", value]
        print(f"\nThe model was not pushed. To push it again:\n  {shlex.join(again)}")
        raise


def evaluate_command(source: str, given: dict, report: Path) -> None:
    """Measure a bundle on a dataset and print the figures."""
    from dogbreed.train.data import load_evaluation_photos, load_negatives
    from dogbreed.train.report import REPORT
    from dogbreed.train.run import evaluate_bundle

    dataset = given.get("dataset", Options.dataset)
    photos = load_evaluation_photos(
        dataset,
        revision=given.get("dataset_revision"),
        image_column=given.get("image_column"),
        label_column=given.get("label_column"),
        split=given.get("test_split"),
    )
    negatives = load_negatives(given["not_dogs"]) if "not_dogs" in given else None
    figures = evaluate_bundle(source, photos, negatives, report)
    print(f"\n{source} on {public_name(dataset)}/{photos.split}")
    for name, (value, count) in figures.items():
        print(f"{name:24} {value:.4f}   {count} photos")
    print(f"The report is {report / REPORT}.")


if __name__ == "__main__":
    sys.exit(main())
