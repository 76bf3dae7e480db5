"""The web page: name the breed of the dog in a photo from an upload, the clipboard or the webcam.

python app.py
python app.py --share
python app.py --model my-model --port 8000
python app.py --model user/name@v1 --fallback default
"""

import argparse
import os
import sys

from dogbreed import DogBreedClassifier, DogBreedError
from dogbreed.bundle import DEFAULT_BUNDLE


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
    parser.add_argument("--host", help="default: 127.0.0.1; 0.0.0.0 for the whole network")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Load the model and serve the page until it is stopped; returns the exit code."""
    options = build_parser().parse_args(arguments)
    # The page sends nothing anywhere; Gradio reads this when it is imported.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        classifier = DogBreedClassifier.from_pretrained(options.model)
    except DogBreedError as error:
        print(f"app.py: {error}", file=sys.stderr)
        if options.fallback is None:
            return 2
        print("app.py: starting with the model that ships instead.", file=sys.stderr)
        classifier = DogBreedClassifier.from_pretrained(DEFAULT_BUNDLE)
    from dogbreed.ui import build_page

    page = build_page(classifier)
    try:
        page.launch(server_name=options.host, server_port=options.port, share=options.share)
    except OSError as error:
        print(f"app.py: {error}; choose another --port or --host.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
