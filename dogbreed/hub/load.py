"""Download a bundle from the Hub: only what is needed of it, only once, and checked."""

import logging
from collections.abc import Iterable
from pathlib import Path

from huggingface_hub import (
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
)

from dogbreed.bundle import CARD, CONFIG, Bundle, read_bundle
from dogbreed.errors import BundleError, HubError
from dogbreed.hub.errors import explain, is_unreachable, translated_errors

# How long the Hub may take to say which commit is the newest.
_TIMEOUT_SECONDS = 10

_log = logging.getLogger("dogbreed")


def load_from_hub(
    repo_id: str, revision: str | None = None, files: Iterable[str] | None = None
) -> Bundle:
    """Download what is needed of a bundle, once, and check it.

    Args:
        repo_id: `user/name`.
        revision: Branch, tag or commit; `main` if left out.
        files: Files that are needed in addition to config.json; if left out those that answering
            needs.

    Raises:
        BundleError: It is not a bundle, is damaged, or was written by a newer version.
        HubError: The Hub cannot be reached or refuses it.
    """
    with translated_errors(repo_id, revision=revision):
        return _load(repo_id, revision, files)


def complete(bundle: Bundle) -> Bundle:
    """Download what is missing of a bundle that came from the Hub, and check every file of it.

    Raises:
        BundleError: A file is missing or damaged.
        HubError: The Hub cannot be reached or refuses it.
    """
    files = list(bundle.config["files"])
    if bundle.repo_id is not None:
        with translated_errors(bundle.repo_id, revision=bundle.commit):
            snapshot_download(bundle.repo_id, revision=bundle.commit, allow_patterns=[*files, CARD])
    return read_bundle(bundle.path, files, bundle.address, bundle.commit)


def _load(repo_id: str, revision: str | None, files: Iterable[str] | None) -> Bundle:
    address = f"{repo_id}@{revision}" if revision else repo_id
    obstacle = None
    try:
        obstacle = _why_unreachable(repo_id, revision)
        offline = obstacle is not None
        config = hf_hub_download(repo_id, CONFIG, revision=revision, local_files_only=offline)
        folder = Path(config).parent
        # The config first, so that what it forbids is not downloaded.
        bundle = read_bundle(folder, (), address, commit=folder.name)
        for name in bundle.served if files is None else files:
            _download(repo_id, bundle, name, offline)
    except LocalEntryNotFoundError as error:
        if obstacle is None and not is_unreachable(error.__cause__):
            raise
        obstacle = obstacle or explain(error, repo_id, revision=revision)
        raise HubError(
            f"{_without_advice(obstacle)} and {address} is not in the cache; connect once, or use "
            "the model that comes with this package, without --model and $DOGBREED_MODEL "
            "(`app.py --fallback default` does)."
        ) from error
    except EntryNotFoundError:
        raise BundleError(
            f"{address} is not a model bundle: it has no {CONFIG}; name a repository that was "
            "pushed with `dogbreed push` or `dogbreed train --push-to`."
        ) from None
    if obstacle is not None:
        _log.warning("%s; using the cached copy of %s.", _without_advice(obstacle), address)
    return read_bundle(folder, files, address, commit=folder.name)


def _why_unreachable(repo_id: str, revision: str | None) -> HubError | None:
    """Ask the Hub once, quickly; returns why a cached copy has to do, if so.

    The client itself would silently fall back on its cache, also when the token or the name is
    wrong, and without a network it would try for half a minute.
    """
    try:
        url = hf_hub_url(repo_id, CONFIG, revision=revision)
        get_hf_file_metadata(url, timeout=_TIMEOUT_SECONDS)
    except Exception as error:
        if not is_unreachable(error):
            raise
        cached = try_to_load_from_cache(repo_id, CONFIG, revision=revision)
        if isinstance(error, HfHubHTTPError) and not isinstance(cached, str):
            # It is there, but busy: the client asks again a few times.
            return None
        return explain(error, repo_id, revision=revision)
    return None


def _without_advice(error: HubError) -> str:
    """What is wrong, without what to do about it."""
    return str(error).partition(";")[0]


def _download(repo_id: str, bundle: Bundle, name: str, offline: bool) -> None:
    """Get one file that the config states, with a progress bar if it is not in the cache."""
    try:
        hf_hub_download(repo_id, name, revision=bundle.commit, local_files_only=offline)
    except RemoteEntryNotFoundError:
        raise BundleError(
            f"The model bundle {bundle.source} is incomplete: it has no {name}; use another "
            "revision, or ask its author to push it again."
        ) from None
