"""The command `dogbreed`: its commands, and the first of them, `predict`.

dogbreed predict dog.jpg
dogbreed predict photos/ --json
dogbreed predict dog.jpg --heatmap answer.png
dogbreed serve --port 8000
dogbreed train --dataset photos/ --output my-model
dogbreed evaluate my-model --dataset photos/
dogbreed push my-model user/name --tag v1
dogbreed deploy-space user/space --model user/name
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tqdm import tqdm

from dogbreed.bundle import write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import DogBreedError, InvalidImageError, UsageError
from dogbreed.heatmap import draw_heatmap
from dogbreed.images import load_image
from dogbreed.prediction import Prediction
from dogbreed.wording import as_json, as_lines, trust_line

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}

# For each command the module that has `add_<command>_arguments` and `<command>_command`, and what
# it does. Only the module of the chosen command is loaded: the others take seconds.
COMMANDS = {
    "predict": ("dogbreed.cli", "name the breed of the dog in photos"),
    "serve": ("dogbreed.page.cli", "serve the web page"),
    "train": ("dogbreed.train.cli", "train a model on labeled photos"),
    "evaluate": ("dogbreed.train.cli", "measure a model on labeled photos"),
    "push": ("dogbreed.hub.cli", "put a model on the Hugging Face Hub"),
    "deploy-space": ("dogbreed.hub.cli", "put the web page on a Hugging Face Space"),
}

_Command = Callable[[argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Run `dogbreed COMMAND ...`.

    Args:
        arguments: Those after the program's name; if left out those of this process.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    lines = [f"  {name:14}{summary}" for name, (_, summary) in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="dogbreed",
        usage="dogbreed [-h] COMMAND ...",
        description="Name the breed of the dog in a photo.",
        epilog="\n".join(["commands:", *lines, "", "dogbreed COMMAND -h shows its options."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        prog="dogbreed", metavar="COMMAND", required=True, help=argparse.SUPPRESS
    )
    run: _Command | None = None
    for name, (_, summary) in COMMANDS.items():
        command = commands.add_parser(name, description=f"{summary[0].upper()}{summary[1:]}.")
        if arguments[:1] == [name]:
            run = _prepare(command, name)
    return _run(parser, run, arguments)


def run_script(program: str, command: str, description: str, arguments: list[str] | None) -> int:
    """Run one command as a program of its own, as `app.py` does.

    Args:
        program: Its name, for errors.
        command: One of `COMMANDS`.
        description: What `--help` says before the options.
        arguments: Those after the program's name; if None those of this process.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog=program,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return _run(parser, _prepare(parser, command), arguments)


def _prepare(parser: argparse.ArgumentParser, name: str) -> _Command:
    """Add a command's arguments to its parser and give the function that runs it."""
    home, stem = import_module(COMMANDS[name][0]), name.replace("-", "_")
    getattr(home, f"add_{stem}_arguments")(parser)
    return getattr(home, f"{stem}_command")


def _run(parser: argparse.ArgumentParser, run: _Command | None, arguments: list[str] | None) -> int:
    """Parse the arguments and run the command; what goes wrong ends in a sentence and a code."""
    options = parser.parse_args(arguments)
    if run is None:
        # Not seen as the command because something stands before it, such as `--`.
        parser.error("the first argument must be the command")
    # A file name may have characters that the terminal cannot show.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return run(options)
    except DogBreedError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the answers has seen enough; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dogbreed predict`."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    parser.add_argument(
        "--top-k", type=int, default=3, metavar="N", help="breeds per photo (default: 3)"
    )
    parser.add_argument(
        "--model",
        metavar="BUNDLE",
        help="folder, or user/name[@revision] on the Hub (default: $DOGBREED_MODEL, else the model "
        "that comes with this package)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--heatmap",
        type=Path,
        metavar="FILE",
        help="also draw one photo with its breeds and the evidence for the first of them",
    )


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
