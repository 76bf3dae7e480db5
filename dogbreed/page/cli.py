"""The command `dogbreed serve`: options of the page, the model it answers with, its login."""

import argparse
import os
import sys
import tempfile

from dogbreed.bundle import DEFAULT_BUNDLE
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import DogBreedError, UsageError


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dogbreed serve`."""
    parser.add_argument(
        "--model",
        metavar="BUNDLE",
        help="folder, or user/name[@revision] on the Hub (default: $DOGBREED_MODEL, else the model "
        "that comes with this package)",
    )
    parser.add_argument(
        "--fallback",
        choices=("default",),
        help="default: use the model that comes with this package if the other cannot be loaded",
    )
    parser.add_argument("--share", action="store_true", help="also create a public link")
    parser.add_argument(
        "--auth",
        metavar="USER:PASSWORD",
        help="what visitors must enter (default: $DOGBREED_AUTH)",
    )
    parser.add_argument("--mcp", action="store_true", help="also expose the page as an MCP tool")
    parser.add_argument("--host", help="default: 127.0.0.1; 0.0.0.0 for the whole network")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.set_defaults(program=parser.prog)


def serve_command(options: argparse.Namespace) -> int:
    """Load the model and serve the page until it is stopped; returns the exit code."""
    # The page sends nothing anywhere; Gradio reads this when it is imported.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    auth = read_auth(options.auth or os.environ.get("DOGBREED_AUTH"))
    classifier = load(options.model, options.fallback, options.program)
    # Contains all uploads; deleted when the page stops.
    with tempfile.TemporaryDirectory(prefix="dogbreed-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        # Imported here, since Gradio takes seconds and reads the variables above.
        from dogbreed.page.serve import serve

        serve(classifier, options.host, options.port, options.share, auth, options.mcp)
    return 0


def load(model: str | None, fallback: str | None, program: str) -> DogBreedClassifier:
    """Load the requested model or, where that fails and a fallback is allowed, the default one.

    Args:
        model: See `DogBreedClassifier.from_pretrained`.
        fallback: `default`, or None for no fallback.
        program: Its name, for the notice that the fallback is used.

    Raises:
        DogBreedError: It cannot be loaded, and no fallback is allowed.
    """
    try:
        return DogBreedClassifier.from_pretrained(model)
    except DogBreedError as error:
        if fallback is None:
            raise
        print(f"{program}: {error}", file=sys.stderr)
        print(f"{program}: starting with the model that ships instead.", file=sys.stderr)
        return DogBreedClassifier.from_pretrained(DEFAULT_BUNDLE)


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
