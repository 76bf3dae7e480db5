"""Where a model comes from: a folder, the Hub, or the bundle that ships."""

import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

from dogbreed.bundle import CARD, CONFIG, DEFAULT_BUNDLE, Bundle, read_bundle
from dogbreed.errors import BundleError, HubError, UsageError
from dogbreed.hub_errors import explain, is_unreachable, told_plainly

# The client itself is imported where it is called: most answers need no Hub.

_ADDRESS = re.compile(r"(?P<repo_id>(?!\.)[\w.-]+/[\w.-]+)(@(?P<revision>.+))?", re.ASCII)
_ASK_SECONDS = 10

_log = logging.getLogger("dogbreed")


def load_bundle(
    source: str | Path | None = None,
    revision: str | None = None,
    files: Iterable[str] | None = None,
) -> Bundle:
    """Find a bundle, get from the Hub what of it is needed, and check that.

    Args:
        source: Directory, or `user/name` or `user/name@revision` for one on the Hub; a directory
            of that name comes first. If left out `$DOGBREED_MODEL`, else the bundle that ships.
        revision: Branch, tag or commit of a bundle on the Hub.
        files: Files that are needed beside config.json; if left out those that answering needs.

    Raises:
        BundleError: It is no bundle, is damaged, or was written by a newer version.
        HubError: The Hub cannot be reached or does not give it.
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
    repo_id, revision = address["repo_id"], revision or address["revision"]
    with told_plainly(repo_id, revision=revision):
        return _load_from_hub(repo_id, revision, files)


def complete(bundle: Bundle) -> Bundle:
    """Get what is missing of a bundle from where it is from, and check every file of it.

    Raises:
        BundleError: A file is missing or damaged.
        HubError: The Hub cannot be reached or does not give it.
    """
    files = list(bundle.config["files"])
    if bundle.commit is not None:
        from huggingface_hub import snapshot_download

        repo_id = bundle.address.partition("@")[0]
        with told_plainly(repo_id, revision=bundle.commit):
            snapshot_download(repo_id, revision=bundle.commit, allow_patterns=[*files, CARD])
    return read_bundle(bundle.path, files, bundle.address, bundle.commit)


def _load_from_hub(repo_id: str, revision: str | None, files: Iterable[str] | None) -> Bundle:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

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
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

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
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError

    repo_id = bundle.address.partition("@")[0]
    try:
        hf_hub_download(repo_id, name, revision=bundle.commit, local_files_only=offline)
    except RemoteEntryNotFoundError:
        raise BundleError(
            f"The model bundle {bundle.source} is incomplete: it has no {name}; use another "
            "revision, or ask its author to push it again."
        ) from None
