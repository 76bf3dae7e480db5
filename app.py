"""The web page: name the breed of the dog in a photo from an upload, the clipboard or the webcam.

python app.py
python app.py --share --auth anna:secret
python app.py --model my-model --port 8000
python app.py --model user/name@v1 --fallback default

The same as `dogbreed serve`. A page of a model of other photos asks what these show.
"""

import sys

from dogbreed.cli import run_script


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until it is stopped; returns the exit code."""
    return run_script("app.py", "serve", __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
