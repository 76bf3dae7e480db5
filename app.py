"""The web page: name the breed of the dog in a photo from an upload, the clipboard or the webcam.

python app.py
python app.py --share --auth anna:secret
python app.py --model my-model --port 8000
python app.py --model user/name@v1 --fallback default
"""

import argparse
import os
import sys
import tempfile

from dogbreed import DogBreedClassifier, DogBreedError
from dogbreed.bundle import DEFAULT_BUNDLE
from dogbreed.errors import UsageError


def build_parser() -> argparse.ArgumentParser:
    """The options of the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model",
        metavar="BUNDLE",
        help="folder, or user/name[@revision] on the Hub (default: $DOGBREED_MODEL, else the model "
        "that ships)",
    )
    parser.add_argument(
        "--fallback",
        choices=("default",),
        help="default: start with the model that ships if the other cannot be loaded",
    )
    parser.add_argument("--share", action="store_true", help="also make a public link")
    parser.add_argument(
        "--auth", metavar="USER:PASSWORD", help="ask visitors for these; default: $DOGBREED_AUTH"
    )
    parser.add_argument("--mcp", action="store_true", help="also be a tool for MCP clients")
    parser.add_argument("--host", help="default: 127.0.0.1; 0.0.0.0 for the whole network")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Load the model and serve the page until it is stopped; returns the exit code."""
    options = build_parser().parse_args(arguments)
    # The page sends nothing anywhere; Gradio reads this when it is imported.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        auth = read_auth(options.auth or os.environ.get("DOGBREED_AUTH"))
        classifier = load(options.model, options.fallback)
        # Whatever visitors upload lies here, and goes when the page stops.
        with tempfile.TemporaryDirectory(prefix="dogbreed-") as folder:
            os.environ["GRADIO_TEMP_DIR"] = folder
            from dogbreed.page.serve import serve

            serve(classifier, options.host, options.port, options.share, auth, options.mcp)
    except DogBreedError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        # Stopped while it was still starting.
        return 130
    return 0


def load(model: str | None, fallback: str | None) -> DogBreedClassifier:
    """Load the model that is asked for, or, where it cannot be had, the one that ships.

    Raises:
        DogBreedError: It cannot be loaded, and no fallback is allowed.
    """
    try:
        return DogBreedClassifier.from_pretrained(model)
    except DogBreedError as error:
        if fallback is None:
            raise
        print(f"app.py: {error}", file=sys.stderr)
        print("app.py: starting with the model that ships instead.", file=sys.stderr)
        return DogBreedClassifier.from_pretrained(DEFAULT_BUNDLE)


def read_auth(text: str | None) -> tuple[str, str] | None:
    """Split `user:password`; a password may hold further colons.

    Raises:
        UsageError: One of the two is missing.
    """
    if not text:
        return None
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise UsageError("--auth and $DOGBREED_AUTH take the form user:password.")
    return user, password


if __name__ == "__main__":
    sys.exit(main())
