"""Where a model comes from."""

import os
from pathlib import Path

from dogbreed.bundle import DEFAULT_BUNDLE


def locate_bundle(source: str | Path | None = None, revision: str | None = None) -> Path:
    """Find the directory of a bundle.

    Args:
        source: Directory; if left out `$DOGBREED_MODEL`, else the bundle that ships.
        revision: Branch, tag or commit of a source on the Hub.
    """
    source = source or os.environ.get("DOGBREED_MODEL") or DEFAULT_BUNDLE
    return Path(os.path.expanduser(source))
