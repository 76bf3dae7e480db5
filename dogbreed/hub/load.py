"""Download a bundle from the Hub: only what is needed of it, only once, and checked."""

import glob
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import httpx2
from huggingface_hub import (
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import FileMetadataError, HfHubHTTPError, RemoteEntryNotFoundError

from dogbreed.bundle import CARD, CONFIG, Bundle, read_bundle
from dogbreed.errors import BundleError, HubError
from dogbreed.hub.errors import explain, is_unreachable, is_unwritable, translated_errors

# How long the Hub may take to say which commit is the newest.
_TIMEOUT_SECONDS = 10
# With 10,000 classes a config.json has about 3 MB.
_LARGEST_CONFIG = 10_000_000

_log = logging.getLogger("dogbreed")


def load_from_hub(
    repo_id: str, revision: str | None = None, files: Iterable[str] | None = None
) -> Bundle:
    """Download what is needed of a bundle, once, and check it.

    If the Hub cannot be asked, or what is new cannot be stored, the cached copy is used, and a
    warning says so.

    Args:
        repo_id: `user/name`.
        revision: Branch, tag or commit; `main` if left out.
        files: Files that are needed in addition to config.json; if left out those that answering
            needs.

    Raises:
        BundleError: It is not a bundle, is damaged, or was written by a newer version.
        HubError: The Hub cannot be reached or refuses it, and there is no cached copy.
    """
    address = f"{repo_id}@{revision}" if revision else repo_id
    needed = None if files is None else tuple(files)
    with translated_errors(repo_id, revision=revision):
        cached = _cached_commit(repo_id, revision)
        try:
            commit = _newest_commit(repo_id, revision, cached is not None)
            bundle = _download(repo_id, commit, address, needed)
            _remember(repo_id, revision, commit)
            return bundle
        except RemoteEntryNotFoundError:
            raise BundleError(
                f"{address} is not a model bundle: it has no {CONFIG}; name a repository that was "
                "pushed with `dogbreed push` or `dogbreed train --push-to`."
            ) from None
        except (httpx2.HTTPError, OSError) as error:
            if not is_unreachable(error) and not is_unwritable(error):
                raise
            obstacle: Exception = error
    return _from_cache(repo_id, cached, address, needed, obstacle)


def complete(bundle: Bundle) -> Bundle:
    """Download what is missing of a bundle that came from the Hub, and check every file of it.

    Raises:
        BundleError: A file is missing or damaged.
        HubError: The Hub cannot be reached or refuses it.
    """
    files = list(bundle.config["files"])
    if bundle.repo_id is not None:
        # The names are not patterns.
        names = [glob.escape(name) for name in [*files, CARD]]
        with translated_errors(bundle.repo_id, revision=bundle.commit):
            snapshot_download(bundle.repo_id, revision=bundle.commit, allow_patterns=names)
    return read_bundle(bundle.path, files, bundle.address, bundle.commit)


def _newest_commit(repo_id: str, revision: str | None, is_cached: bool) -> str:
    """Ask the Hub for the commit that a revision names, quickly if there is a cached copy.

    The client itself would silently fall back on its cache, also when the token or the name is
    wrong, and without a network it would try for half a minute.
    """
    url = hf_hub_url(repo_id, CONFIG, revision=revision)
    try:
        newest = get_hf_file_metadata(url, timeout=_TIMEOUT_SECONDS)
    except HfHubHTTPError as error:
        if is_cached or not is_unreachable(error):
            raise
        # It is there, but busy: ask again a few times.
        newest = get_hf_file_metadata(url, timeout=_TIMEOUT_SECONDS, retry_on_errors=True)
    if newest.commit_hash is None:
        raise FileMetadataError("the answer does not name a commit")
    if newest.size is not None and newest.size > _LARGEST_CONFIG:
        raise BundleError(
            f"{repo_id} is not a model bundle: its {CONFIG} has {newest.size} bytes; name another "
            "repository or revision."
        )
    return newest.commit_hash


def _download(repo_id: str, commit: str, address: str, needed: Sequence[str] | None) -> Bundle:
    """Get the config, then the needed files that it states, as far as they are not in the cache."""
    config = hf_hub_download(repo_id, CONFIG, revision=commit)
    folder = Path(config).parent
    # The config first, so that what it forbids is not downloaded.
    bundle = read_bundle(folder, (), address, commit)
    for name in bundle.served if needed is None else needed:
        _download_file(repo_id, commit, bundle, name)
    return read_bundle(folder, needed, address, commit)


def _download_file(repo_id: str, commit: str, bundle: Bundle, name: str) -> None:
    """Get one file, with a progress bar, unless it is in the cache."""
    if (bundle.path / name).is_file():
        return
    remedy = "use another revision, or ask its author to push it again"
    stated = bundle.config["files"].get(name)
    try:
        url = hf_hub_url(repo_id, name, revision=commit)
        there = get_hf_file_metadata(url, retry_on_errors=True)
        if isinstance(stated, dict) and there.size not in (None, stated.get("size")):
            raise BundleError(
                f"{name} of {bundle.source} is damaged: it has {there.size} bytes and not those "
                f"that {CONFIG} states; {remedy}."
            )
        hf_hub_download(repo_id, name, revision=commit)
    except RemoteEntryNotFoundError:
        raise BundleError(
            f"The model bundle {bundle.source} is incomplete: it has no {name}; {remedy}."
        ) from None


def _cached_commit(repo_id: str, revision: str | None) -> str | None:
    """The commit that the cache has for a revision."""
    config = try_to_load_from_cache(repo_id, CONFIG, revision=revision)
    return Path(config).parent.name if isinstance(config, str) else None


def _remember(repo_id: str, revision: str | None, commit: str) -> None:
    """Let the cache know the commit of a revision, once all files of it are there.

    Done last, so that a copy which is used without a network is complete.
    """
    if commit not in (revision, _cached_commit(repo_id, revision)):
        with suppress(httpx2.HTTPError, OSError):
            hf_hub_download(repo_id, CONFIG, revision=revision)


def _from_cache(
    repo_id: str,
    commit: str | None,
    address: str,
    needed: Sequence[str] | None,
    obstacle: Exception,
) -> Bundle:
    """The cached copy, with a warning that says why it has to do."""
    explained = explain(obstacle, repo_id)
    reason = str(explained).partition(";")[0]
    config = try_to_load_from_cache(repo_id, CONFIG, revision=commit) if commit else None
    if isinstance(config, str):
        folder = Path(config).parent
        bundle = read_bundle(folder, (), address, commit)
        if all((folder / name).is_file() for name in needed or bundle.served):
            bundle = read_bundle(folder, needed, address, commit)
            _log.warning("%s; using the cached copy of %s.", reason, address)
            return bundle
    if is_unwritable(obstacle):
        raise explained from obstacle
    raise HubError(
        f"{reason} and {address} is not in the cache; connect once, or use the model that comes "
        "with this package, without --model and $DOGBREED_MODEL (`app.py --fallback default` does)."
    ) from obstacle
