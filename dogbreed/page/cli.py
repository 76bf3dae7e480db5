"""The command `dogbreed serve`: options of the page, the model it answers with, its login."""

import argparse
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dogbreed.arguments import add_engine_argument, add_model_argument
from dogbreed.bundle import DEFAULT_BUNDLE
from dogbreed.classifier import DogBreedClassifier
from dogbreed.corrections import Corrections
from dogbreed.errors import DogBreedError, UsageError
from dogbreed.page.temporary import temporary_folder

# `user/name`; a path that starts with a dot is none.
_DATASET = re.compile(r"(?!\.)[\w.-]+/[\w.-]+", re.ASCII)

# The page sends nothing anywhere. Nor does it record the last 10,000 events and count all of them
# after each, for a dashboard that is off. Gradio reads this when it is imported.
GRADIO_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
}


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dogbreed serve`."""
    add_model_argument(parser)
    parser.add_argument(
        "--fallback",
        choices=("default",),
        help="default: use the model that comes with the package if the other cannot be loaded",
    )
    add_engine_argument(parser, "the fastest on this processor that is installed")
    parser.add_argument("--share", action="store_true", help="also create a public link")
    parser.add_argument(
        "--auth",
        metavar="USER:PASSWORD",
        help="what visitors must enter (default: $DOGBREED_AUTH)",
    )
    parser.add_argument("--mcp", action="store_true", help="also expose the page as an MCP tool")
    parser.add_argument("--host", help="default: 127.0.0.1; 0.0.0.0 for the whole network")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument(
        "--root-path",
        metavar="PATH",
        help="where a proxy offers the page, such as /page (default: $GRADIO_ROOT_PATH)",
    )
    parser.add_argument(
        "--examples",
        metavar="FOLDER",
        type=Path,
        help="photos that visitors can try, up to 12 that you may show to others (default: those "
        "of the model, if it has any)",
    )
    parser.add_argument(
        "--collect",
        metavar="FOLDER|USER/DATASET",
        help="let visitors say whether an answer is right, and keep their photo if they do: in a "
        "folder, or in a private dataset on the Hub (default: keep nothing)",
    )
    parser.set_defaults(program=parser.prog)


def serve_command(options: argparse.Namespace) -> int:
    """Load the model and serve the page until it is stopped; returns the exit code."""
    auth = read_auth(options.auth or os.environ.get("DOGBREED_AUTH"))
    root_path = read_root_path(options.root_path or os.environ.get("GRADIO_ROOT_PATH"))
    if options.mcp:
        check_mcp(auth is not None)
    mcp = options.mcp or is_mcp_wanted(auth is not None)
    classifier = load(options.model, options.fallback, options.engine, options.program)
    for name, value in GRADIO_SETTINGS.items():
        os.environ.setdefault(name, value)
    reach_without_proxy(options.host)
    with temporary_folder() as folder, collecting(options.collect, classifier) as corrections:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)
        # Imported here, since Gradio takes seconds and reads the variables above.
        from dogbreed.page.examples import find_examples
        from dogbreed.page.serve import serve

        examples = find_examples(classifier, options.examples)
        serve(
            classifier,
            folder,
            host=options.host,
            port=options.port,
            root_path=root_path,
            share=options.share,
            auth=auth,
            mcp=mcp,
            examples=examples,
            corrections=corrections,
        )
    return 0


def check_mcp(auth: bool) -> None:
    """Refuse `--mcp` where it cannot work.

    Args:
        auth: Visitors must log in.

    Raises:
        UsageError: Its package is missing, or a login is asked for, which Gradio's MCP server would
            let strangers go around halfway, and never let anybody pass.
    """
    if auth:
        raise UsageError("--mcp does not work with --auth or $DOGBREED_AUTH; choose one of them.")
    if importlib.util.find_spec("mcp") is None:
        raise UsageError('--mcp needs an extra package: pip install "gradio[mcp]".')


def is_mcp_wanted(auth: bool) -> bool:
    """Whether the page is an MCP server without `--mcp`: by Gradio's variable, or on a Space.

    On a Space it is one unless the variable says otherwise, where it can be.

    Args:
        auth: Visitors must log in.
    """
    default = "True" if "SPACE_ID" in os.environ else "False"
    if os.environ.get("GRADIO_MCP_SERVER", default).lower() != "true":
        return False
    try:
        check_mcp(auth)
    except UsageError as error:
        print(f"The page is not an MCP server: {error}", file=sys.stderr)
        return False
    return True


def reach_without_proxy(host: str | None) -> None:
    """Keep requests to this computer away from `$HTTP_PROXY`: Gradio asks its own page at start.

    Args:
        host: The address that the page listens on, if it is not the default.
    """
    own = {"localhost", "127.0.0.1", "::1", *([host] if host else [])}
    for name in ("no_proxy", "NO_PROXY"):
        known = [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]
        os.environ[name] = ",".join([*known, *sorted(own - {*known})])


def read_root_path(text: str | None) -> str | None:
    """Check the path, or the whole address, under which a proxy offers the page.

    Raises:
        UsageError: It is neither.
    """
    if not text:
        return None
    path = text.rstrip("/")
    if not path.startswith(("/", "http://", "https://")):
        raise UsageError("--root-path takes a path such as /page, or a whole address.")
    return path or None


def load(
    model: str | None, fallback: str | None, engine: str | None, program: str
) -> DogBreedClassifier:
    """Load the requested model or, where that fails and a fallback is allowed, the default one.

    Args:
        model: See `DogBreedClassifier.from_pretrained`.
        fallback: `default`, or None for no fallback.
        engine: See `DogBreedClassifier.from_pretrained`.
        program: Its name, for the notice that the fallback is used.

    Raises:
        DogBreedError: It cannot be loaded, and no fallback is allowed.
        UsageError: A fallback is given, but no other model.
    """
    if fallback and not (model or os.environ.get("DOGBREED_MODEL")):
        raise UsageError("--fallback goes with --model or $DOGBREED_MODEL; leave it out.")
    try:
        return DogBreedClassifier.from_pretrained(model, engine=engine)
    except DogBreedError as error:
        if fallback is None:
            raise
        print(f"{program}: {error}", file=sys.stderr)
        print(
            f"{program}: starting with the model that comes with the package instead.",
            file=sys.stderr,
        )
        return DogBreedClassifier.from_pretrained(DEFAULT_BUNDLE, engine=engine)


def read_auth(text: str | None) -> tuple[str, str] | None:
    """Split `user:password`; the password may contain further colons.

    Raises:
        UsageError: One of the two is missing.
    """
    if not text:
        return None
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise UsageError("--auth and $DOGBREED_AUTH take the form user:password.")
    return user, password


@contextmanager
def collecting(place: str | None, classifier: DogBreedClassifier) -> Iterator[Corrections | None]:
    """Keep what visitors say about answers, as long as the block runs.

    Args:
        place: A folder, or `user/name` of a dataset on the Hub; a folder of that name, or a path
            with a dot or a slash at its start, takes precedence. None to keep nothing.
        classifier: The model that answers.

    Yields:
        Where it is kept; None if nothing is.

    Raises:
        HubError: The Hub cannot be reached or refuses it.
        UsageError: The folder cannot be written.
    """
    if place is None:
        yield None
    elif os.path.isdir(place) or not _DATASET.fullmatch(place):
        try:
            corrections = Corrections(Path(place).expanduser(), classifier.bundle)
        except OSError as error:
            raise UsageError(f"--collect {place} cannot be written: {error.strerror}.") from None
        yield corrections
    else:
        from dogbreed.hub import uploading

        with temporary_folder() as folder, uploading(folder, place) as lock:
            yield Corrections(folder, classifier.bundle, lock)
