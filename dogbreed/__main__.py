"""python -m dogbreed: the same as `dogbreed`, also where the package is not installed."""

import sys

from dogbreed.cli import main

if __name__ == "__main__":
    sys.exit(main())
