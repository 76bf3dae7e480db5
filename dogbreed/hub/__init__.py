"""Where a model comes from, and the one door to the Hugging Face Hub.

    from dogbreed import hub

    hub.load_bundle("user/name@v1")
    hub.push_bundle("my-model", "user/name")

Only this folder imports the Hub's client, and only when the Hub is asked for something: the client
takes longer to load than a photo to answer.
"""

import os
import re
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dogbreed.bundle import DEFAULT_BUNDLE, Bundle, read_bundle
from dogbreed.errors import UsageError

if TYPE_CHECKING:
    from dogbreed.hub.push import check_push, push_bundle
    from dogbreed.hub.space import deploy_space

__all__ = ["check_push", "deploy_space", "load_bundle", "push_bundle"]

_MODULES = {"check_push": "push", "push_bundle": "push", "deploy_space": "space"}
_ADDRESS = re.compile(r"(?P<repo_id>(?!\.)[\w.-]+/[\w.-]+)(@(?P<revision>.+))?", re.ASCII)


def __getattr__(name: str) -> Callable:
    """Load a function of this door when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def load_bundle(
    source: str | Path | None = None,
    revision: str | None = None,
    files: Iterable[str] | None = None,
) -> Bundle:
    """Find a bundle, download what is missing if it is on the Hub, and check it.

    Args:
        source: Directory, or `user/name` or `user/name@revision` for a model on the Hub; a
            directory of that name takes precedence. If left out `$DOGBREED_MODEL`, else the bundle
            that comes with the package.
        revision: Branch, tag or commit of a model on the Hub.
        files: Files that are needed in addition to config.json; if left out those that answering
            needs.

    Raises:
        BundleError: It is not a bundle, is damaged, or was written by a newer version.
        HubError: The Hub cannot be reached or refuses it.
        UsageError: A revision of a directory is asked for.
    """
    source = source or os.environ.get("DOGBREED_MODEL") or DEFAULT_BUNDLE
    path = Path(os.path.expanduser(source))
    address = None if isinstance(source, Path) or path.is_dir() else _ADDRESS.fullmatch(source)
    if address is None:
        if revision is not None:
            raise UsageError(
                f"{path} is a folder and has no revision {revision}; name a model as user/name."
            )
        return read_bundle(path, files)
    # Here, so that a model on this disk does not load the Hub's client.
    from dogbreed.hub.load import load_from_hub

    return load_from_hub(address["repo_id"], revision or address["revision"], files)
