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
from urllib.parse import unquote, urlsplit

from dogbreed.bundle import DEFAULT_BUNDLE, Bundle, read_bundle
from dogbreed.errors import UsageError

__all__ = ["card_metadata", "check_push", "deploy_space", "load_bundle", "push_bundle", "uploading"]

# Loaded by name: an import statement would load the client with the model of this disk, or import
# in a circle.
_MODULES = {
    "card_metadata": "card",
    "check_push": "push",
    "deploy_space": "space",
    "load_from_hub": "load",
    "push_bundle": "push",
    "uploading": "collect",
}
_REPO_ID = r"(?P<repo_id>(?!\.)[\w.-]+/[\w.-]+)"
_NAME = re.compile(rf"{_REPO_ID}(@(?P<revision>.+))?", re.ASCII)
# The address of a model's page, after the host.
_PAGE = re.compile(rf"{_REPO_ID}(/(tree|commit)/(?P<revision>[^/]+))?/?", re.ASCII)
# What stands in the place of a user in the addresses of other pages.
_NOT_USERS = {"spaces", "datasets", "models", "collections", "docs", "papers", "blog", "settings"}


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
        source: Directory, or `user/name`, `user/name@revision` or the address of its page for a
            model on the Hub; a directory of that name takes precedence. If left out
            `$DOGBREED_MODEL`, else the bundle that comes with the package.
        revision: Branch, tag or commit of a model on the Hub.
        files: Files that are needed in addition to config.json; if left out those that answering
            needs.

    Raises:
        BundleError: It is not a bundle, is damaged, or was written by a newer version.
        HubError: The Hub cannot be reached or refuses it.
        UsageError: A revision of a directory is asked for, or the address is not that of a model.
    """
    source = source or os.environ.get("DOGBREED_MODEL") or DEFAULT_BUNDLE
    path = Path(os.path.expanduser(source))
    if isinstance(source, Path) or path.is_dir():
        repo_id = None
    else:
        repo_id, stated = _parse_page(source) if "://" in source else _parse_name(source)
        revision = revision or stated
    if repo_id is None:
        if revision is not None:
            raise UsageError(
                f"{path} is a folder and has no revision {revision}; name a model as user/name."
            )
        return read_bundle(path, files)
    return __getattr__("load_from_hub")(repo_id, revision, files)


def _parse_name(source: str) -> tuple[str | None, str | None]:
    """Repository and revision of `user/name@revision`; both None if it is something else."""
    name = _NAME.fullmatch(source)
    return (name["repo_id"], name["revision"]) if name else (None, None)


def _parse_page(url: str) -> tuple[str, str | None]:
    """Repository and revision of the address of a model's page.

    Raises:
        UsageError: It is not such an address.
    """
    # As the client reads it, which is not loaded for this.
    endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    address = urlsplit(url)._replace(query="", fragment="").geturl()
    for host in (endpoint, "https://huggingface.co", "https://hf.co"):
        page = _PAGE.fullmatch(address.removeprefix(f"{host}/"))
        if page and page["repo_id"].partition("/")[0] not in _NOT_USERS:
            return page["repo_id"], page["revision"] and unquote(page["revision"])
    raise UsageError(
        f"{url} is not the address of a model on the Hub; name the model as user/name or as "
        f"{endpoint}/user/name."
    )
