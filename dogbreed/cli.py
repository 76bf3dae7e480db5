"""The command `dogbreed`: its commands, and the first of them, `predict`.

dogbreed predict photo.jpg
dogbreed predict photos/ --json
dogbreed predict photo.jpg --heatmap answer.png
dogbreed bulk photos/ --output answers
dogbreed serve --port 8000
dogbreed train --dataset photos/ --output my-model
dogbreed evaluate my-model --dataset photos/
dogbreed export my-model --format onnx
dogbreed push my-model user/name --tag v1
dogbreed deploy-space user/space --model user/name
dogbreed export-web my-model site
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from dogbreed.arguments import add_engine_argument, add_model_argument, check_at_least_one
from dogbreed.bundle import Bundle, write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.engines import AUTO, LITERT, wanted_engine
from dogbreed.errors import DogBreedError, InvalidImageError, UsageError
from dogbreed.full_disk import full_disk_explained
from dogbreed.images import load_image
from dogbreed.photo_files import names_a_photo, visible_files
from dogbreed.prediction import Prediction
from dogbreed.wording import as_json, as_lines, trust_line

# Fewer photos are answered sooner by LiteRT, since OpenVINO takes half a second longer to start.
_MANY_PHOTOS = 100
_HEATMAP_FORMATS = {"": "PNG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

# For each command the module that has `add_<command>_arguments` and `<command>_command`, and what
# it does. Only the module of the chosen command is loaded: the others take seconds.
COMMANDS = {
    "predict": ("dogbreed.cli", "name the breed of the dog in photos, or what else a model knows"),
    "bulk": ("dogbreed.bulk.cli", "answer millions of photos into Parquet files"),
    "serve": ("dogbreed.page.cli", "serve the web page"),
    "train": ("dogbreed.train.cli", "train a model on labeled photos"),
    "evaluate": ("dogbreed.train.cli", "measure a model on labeled photos"),
    "export": ("dogbreed.train.export.cli", "write a model's network in another format"),
    "push": ("dogbreed.hub.cli", "put a model on the Hugging Face Hub"),
    "deploy-space": ("dogbreed.hub.cli", "put the web page on a Hugging Face Space"),
    "export-web": ("dogbreed.web.cli", "write the web page for hosts without Python"),
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
        description="Name the breed of the dog in a photo, or what else a model knows.",
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
    _open_output()
    try:
        try:
            with full_disk_explained():
                code = run(options)
            with _writing():
                sys.stdout.flush()
            return code
        except DogBreedError as error:
            print(f"{parser.prog}: {error}", file=sys.stderr)
            return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the answers has seen enough.
        _drop_output()
        return 0


def _open_output() -> None:
    """Let printing work whatever the process was started with."""
    for name in ("stdout", "stderr"):
        # Python has none where the file is closed, as for some services.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    # A file name may have characters that the terminal cannot show.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def _writing() -> Iterator[None]:
    """Report that what is printed in this block cannot be written, as on a full disk."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        raise UsageError(f"The output cannot be written: {error.strerror}.") from None


def _drop_output() -> None:
    """Forget what could not be written; Python would try once more at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dogbreed predict`."""
    # Text, since a path would lose a slash of a web address.
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="file or folder")
    parser.add_argument(
        "--top-k", type=int, default=3, metavar="N", help="labels per photo (default: 3)"
    )
    add_model_argument(parser)
    add_engine_argument(parser, f"LiteRT for fewer than {_MANY_PHOTOS} photos, else the fastest")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--heatmap",
        type=Path,
        metavar="FILE",
        help="also draw one photo with its labels and the evidence for the first of them, as PNG "
        "or JPEG",
    )


def predict_command(options: argparse.Namespace) -> int:
    """Print the labels of each photo; one that cannot be used does not stop the others."""
    check_at_least_one(options, "top_k")
    photos = list_photos(options.photos)
    if options.heatmap:
        check_heatmap(options.heatmap, photos)
    engine = wanted_engine(options.engine)
    if engine == AUTO and len(photos) < _MANY_PHOTOS:
        engine = LITERT
    classifier = DogBreedClassifier.from_pretrained(options.model, engine=engine)
    several, failed, rows = len(photos) > 1, 0, []
    answers: Iterable[tuple[str | Path, Prediction | InvalidImageError]]
    answers = zip(photos, classifier.predict_each(photos, options.top_k), strict=True)
    say: Callable[..., None] = print
    # Not where a program reads along.
    if several and sys.stderr.isatty():
        # Imported here: it reads the metadata of its package, which takes 25 ms.
        from tqdm import tqdm

        answers = tqdm(answers, total=len(photos), unit="photo", leave=False)
        say = tqdm.write
    for photo, answer in answers:
        if isinstance(answer, InvalidImageError):
            failed += 1
            rows.append({"file": str(photo), "error": str(answer)})
            say(f"{photo if several else 'dogbreed'}: {answer}", file=sys.stderr)
            continue
        about = {"file": str(photo), "engine": classifier.engine}
        rows.append({**about, **as_json(answer, classifier.bundle)})
        if not options.json:
            title = [f"{photo}:"] if several else []
            with _writing():
                say("\n".join([*title, *_lines(answer, classifier.bundle.subject)]))
        if options.heatmap:
            _save_heatmap(photo, answer, classifier.bundle, options.heatmap)
    if options.json:
        with _writing():
            print(json.dumps(rows, indent=2, ensure_ascii=False))
    if several and failed:
        print(f"dogbreed: {failed} of {len(photos)} photos could not be used.", file=sys.stderr)
    return 2 if failed else 0


def _lines(prediction: Prediction, subject: str) -> list[str]:
    """The labels and how far to trust them; the labels dimmed on a terminal if it is not a dog."""
    lines, trust = as_lines(prediction), trust_line(prediction, subject)
    if not prediction.looks_like_dog and sys.stdout.isatty():
        lines = [f"\x1b[2m{line}\x1b[0m" for line in lines]
    return [*lines, *filter(None, (trust, prediction.note))]


def list_photos(sources: list[str]) -> list[str | Path]:
    """The photos that are named, and those in the folders that are named, sorted.

    Raises:
        UsageError: A folder contains no photos, or cannot be read.
    """
    photos: list[str | Path] = []
    for source in sources:
        if not os.path.isdir(source):
            # A web address as it is; the error about it says what to do.
            photos.append(source if "://" in source else Path(source))
            continue
        found = [Path(p) for p in visible_files(source) if names_a_photo(os.path.basename(p))]
        if not found:
            raise UsageError(f"The folder {source} contains no photos.")
        photos += sorted(found)
    return photos


def check_heatmap(path: Path, photos: list[str | Path]) -> None:
    """Make sure that a heatmap can be drawn there, before the model is loaded.

    Raises:
        UsageError: It cannot.
    """
    if len(photos) != 1:
        raise UsageError(f"--heatmap takes one photo, not {len(photos)}.")
    if path.suffix.lower() not in _HEATMAP_FORMATS:
        raise UsageError(f"--heatmap {path} would be a {path.suffix} file; use .png or .jpg.")
    if path.resolve() == Path(photos[0]).resolve():
        raise UsageError(f"--heatmap {path} is the photo itself; name another file.")


def _save_heatmap(photo: str | Path, answer: Prediction, bundle: Bundle, path: Path) -> None:
    # Imported here: it loads Pillow's drawing and fonts, which takes 4 ms.
    from dogbreed.heatmap import TALLEST, draw_heatmap

    resize = bundle.config["preprocessing"]["resize"]
    image = load_image(photo, at_least=TALLEST)
    heatmap = draw_heatmap(image, answer, resize, bundle.subject)
    try:
        with write_beside(path) as file:
            heatmap.save(file, _HEATMAP_FORMATS[path.suffix.lower()], quality=90)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--heatmap {path} cannot be written: {reason}.") from None
