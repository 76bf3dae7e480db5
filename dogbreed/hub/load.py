"""Get a bundle from the Hub: what is needed of it, once, and checked."""

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
from dogbreed.hub.errors import explain, is_unreachable, told_plainly

_ASK_SECONDS = 10

_log = logging.getLogger("dogbreed")


def complete(bundle: Bundle) -> Bundle:
    """Get what is missing of a bundle from where it is from, and check every file of it.

    Raises:
        BundleError: A file is missing or damaged.
        HubError: The Hub cannot be reached or does not give it.
    """
    files = list(bundle.config["files"])
    if bundle.commit is not None:
        repo_id = bundle.address.partition("@")[0]
        with told_plainly(repo_id, revision=bundle.commit):
            snapshot_download(repo_id, revision=bundle.commit, allow_patterns=[*files, CARD])
    return read_bundle(bundle.path, files, bundle.address, bundle.commit)


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
        HubError: The Hub cannot be reached or does not give it.
    """
    with told_plainly(repo_id, revision=revision):
        return _load(repo_id, revision, files)


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
            _download(bundle, name, offline)
    except LocalEntryNotFoundError as error:
        if obstacle is None and not is_unreachable(error.__cause__):
            raise
        reason = str(obstacle or explain(error, repo_id, revision=revision)).partition(";")[0]
        raise HubError(
            f"{reason} and {address} is not in the cache; connect once, or use the model that "
            "ships, without --model and $DOGBREED_MODEL (`app.py --fallback default` does)."
        ) from error
    except EntryNotFoundError:
        raise BundleError(
            f"{address} is no model bundle: it has no {CONFIG}; name a repository that train.py "
            "or `python -m dogbreed push` has filled."
        ) from None
    if obstacle is not None:
        reason = str(obstacle).partition(";")[0]
        _log.warning("%s; using the copy of %s from earlier.", reason, address)
    return read_bundle(folder, files, address, commit=folder.name)


def _why_unreachable(repo_id: str, revision: str | None) -> HubError | None:
    """Ask the Hub once, quickly; say why a copy from earlier has to do, if so.

    The client itself would fall back on its cache without a word, also when the token or the name
    is wrong, and without a network it would try for half a minute.
    """
    try:
        get_hf_file_metadata(hf_hub_url(repo_id, CONFIG, revision=revision), timeout=_ASK_SECONDS)
    except Exception as error:
        if not is_unreachable(error):
            raise
        cached = try_to_load_from_cache(repo_id, CONFIG, revision=revision)
        if isinstance(error, HfHubHTTPError) and not isinstance(cached, str):
            # It is there, but busy: the client asks again a few times.
            return None
        return explain(error, repo_id, revision=revision)
    return None


def _download(bundle: Bundle, name: str, offline: bool = False) -> None:
    """Get one file that the config states, with a progress bar if it is not in the cache."""
    repo_id = bundle.address.partition("@")[0]
    try:
        hf_hub_download(repo_id, name, revision=bundle.commit, local_files_only=offline)
    except RemoteEntryNotFoundError:
        raise BundleError(
            f"The model bundle {bundle.source} is incomplete: it has no {name}; use another "
            "revision, or ask its author to push it again."
        ) from None
