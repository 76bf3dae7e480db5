"""The shell: python -m dogbreed predict PHOTO ...

python -m dogbreed predict dog.jpg
python -m dogbreed predict photos/ --json
python -m dogbreed predict dog.jpg --heatmap answer.png
python -m dogbreed push my-model user/name --tag v1
python -m dogbreed deploy-space user/space --model user/name
"""

import argparse
import json
import os
import sys
from pathlib import Path

from tqdm import tqdm

from dogbreed.bundle import write_beside
from dogbreed.classifier import DogBreedClassifier, Prediction
from dogbreed.errors import DogBreedError, InvalidImageError, UsageError
from dogbreed.heatmap import draw_heatmap
from dogbreed.images import load_image
from dogbreed.wording import as_json, as_lines, trust_line

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m dogbreed", description="Name the breed of the dog in a photo."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="name the breeds in photos")
    predict.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    predict.add_argument(
        "--top-k", type=int, default=3, metavar="N", help="labels a photo (default: 3)"
    )
    predict.add_argument(
        "--model",
        metavar="BUNDLE",
        help="folder, or user/name[@revision] on the Hub (default: $DOGBREED_MODEL, else the model "
        "that ships)",
    )
    predict.add_argument("--json", action="store_true", help="print JSON")
    predict.add_argument(
        "--heatmap", type=Path, metavar="PNG", help="draw the photo with labels and evidence"
    )
    predict.set_defaults(run=predict_command)

    push = commands.add_parser("push", help="put a model bundle on the Hub")
    push.add_argument("bundle", metavar="BUNDLE", help="folder that train.py wrote")
    push.add_argument("repo_id", metavar="USER/NAME", help="created if needed")
    push.add_argument("--private", action="store_true", help="only you may see it")
    push.add_argument("--revision", metavar="BRANCH", help="created if needed (default: main)")
    push.add_argument("--tag", help="name for this state")
    push.set_defaults(run=push_command)

    space = commands.add_parser("deploy-space", help="put the page on a Space of the Hub")
    space.add_argument("repo_id", metavar="USER/SPACE", help="created if needed")
    model = space.add_mutually_exclusive_group()
    model.add_argument("--model", metavar="USER/NAME", help="model that the Space loads")
    model.add_argument(
        "--bundle", metavar="DIR", help="model that goes with it (default: the one that ships)"
    )
    space.add_argument("--private", action="store_true", help="only you may see it")
    space.add_argument("--hardware", metavar="NAME", help="default: cpu-basic, which is the least")
    space.set_defaults(run=space_command)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    # File names need not be text that the terminal can show.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return options.run(options)
    except DogBreedError as error:
        print(f"dogbreed: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the answers has enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def predict_command(options: argparse.Namespace) -> int:
    """Print the labels of each photo; a bad file does not stop the others."""
    if options.top_k < 1:
        raise UsageError(f"--top-k must be at least 1, not {options.top_k}.")
    photos = list_photos(options.photos)
    if options.heatmap and len(photos) != 1:
        raise UsageError(f"--heatmap takes one photo, not {len(photos)}.")
    if options.heatmap and options.heatmap.resolve() == photos[0].resolve():
        raise UsageError(f"--heatmap {options.heatmap} is the photo itself; name another file.")
    classifier = DogBreedClassifier.from_pretrained(options.model)
    failed, answers = False, []
    several = len(photos) > 1
    for path in tqdm(photos, unit="photo", disable=not several, leave=False):
        try:
            prediction = classifier.predict(path, options.top_k)
        except InvalidImageError as error:
            failed = True
            answers.append({"file": str(path), "error": str(error)})
            tqdm.write(f"{path}: {error}" if several else f"dogbreed: {error}", file=sys.stderr)
            continue
        answers.append({"file": str(path), **as_json(prediction, classifier.bundle)})
        if not options.json:
            title = [f"{path}:"] if several else []
            tqdm.write("\n".join([*title, *_told(prediction)]))
        if options.heatmap:
            resize = classifier.bundle.config["preprocessing"]["resize"]
            _save(draw_heatmap(load_image(path), prediction, resize), options.heatmap)
    if options.json:
        print(json.dumps(answers, indent=2, ensure_ascii=False))
    return 2 if failed else 0


def push_command(options: argparse.Namespace) -> int:
    """Push a bundle and print its address."""
    # Here and below: the Hub's client takes longer to load than a photo to answer.
    from dogbreed.hub.push import push_bundle

    address = push_bundle(
        options.bundle,
        options.repo_id,
        private=options.private,
        revision=options.revision,
        tag=options.tag,
    )
    print(address)
    return 0


def space_command(options: argparse.Namespace) -> int:
    """Deploy the page to a Space, wait until it runs, and print its address."""
    from dogbreed.hub.space import deploy_space

    address = deploy_space(
        options.repo_id,
        model=options.model,
        bundle=options.bundle,
        private=options.private,
        hardware=options.hardware,
        tell=lambda line: print(line, file=sys.stderr),
    )
    print(address)
    return 0


def _told(prediction: Prediction) -> list[str]:
    """The labels and how far to trust them; greyed on a terminal where there is no dog."""
    lines, trust = as_lines(prediction), trust_line(prediction)
    if not prediction.looks_like_dog and sys.stdout.isatty():
        lines = [f"\x1b[2m{line}\x1b[0m" for line in lines]
    return [*lines, trust] if trust else lines


def list_photos(paths: list[Path]) -> list[Path]:
    """The photos that are named, and those in the folders that are named, sorted.

    Raises:
        UsageError: A folder holds no photos.
    """
    photos = []
    for path in paths:
        if not path.is_dir():
            photos.append(path)
            continue
        found = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in PHOTO_SUFFIXES and file.is_file()
        )
        if not found:
            raise UsageError(f"The folder {path} holds no photos.")
        photos += found
    return photos


def _save(figure, path: Path) -> None:
    try:
        with write_beside(path) as file:
            figure.save(file, "PNG")
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--heatmap {path} cannot be written: {reason}.") from None


if __name__ == "__main__":
    sys.exit(main())
