"""Push a bundle to the Hub, so that anybody can load it by name."""

import json
from pathlib import Path

from dogbreed.bundle import CARD, CARD_PLACEHOLDER, CONFIG, Bundle
from dogbreed.errors import HubError
from dogbreed.hub import load_bundle
from dogbreed.hub.errors import translated_errors
from dogbreed.hub.load import complete
from dogbreed.hub.repo import Files, Repo, State, compare


def push_bundle(
    source: Bundle | str | Path,
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    tag: str | None = None,
    replace: bool = False,
    token: str | None = None,
) -> str:
    """Make a model repository contain exactly a bundle, in one commit.

    A push that is cut off leaves the repository as it was and can be repeated; pushing what is
    there already makes no commit.

    Args:
        source: The bundle, or where it is, see `hub.load_bundle`.
        repo_id: `user/name`; it is created if needed.
        private: Visible only to its owner; an existing repository is never changed.
        revision: Branch to push to, created from `main` if needed; `main` if left out.
        tag: Name for the pushed state.
        replace: Also delete files there that are not part of a bundle.
        token: Hub token; if left out the one of `hf auth login` or `$HF_TOKEN`.

    Returns:
        The address of its page.

    Raises:
        BundleError: The bundle is incomplete or damaged.
        HubError: The Hub cannot be reached or refuses it, the tag names another state, or there
            are other files and `replace` is not set.
        UsageError: The name does not have the form `user/name`.
    """
    bundle = complete(source if isinstance(source, Bundle) else load_bundle(source, files=()))
    repo, branch = Repo(repo_id, token=token), revision or "main"
    with translated_errors(repo_id, revision=revision):
        repo.open(private=private)
        state = repo.state(branch)
        if not replace:
            _refuse_foreign(repo, state)
        change = compare(state, files_to_push(bundle, repo_id))
        tagged = repo.commit_of(tag) if tag else None
        if tagged and (change.operations or tagged != change.head):
            raise HubError(_tag_taken(repo_id, tag))
        if revision is not None:
            repo.api.create_branch(repo_id, branch=revision, revision=state.head, exist_ok=True)
        made = repo.commit(change, commit_message(bundle), branch)
        if tag and not tagged:
            repo.api.create_tag(repo_id, tag=tag, revision=made)
    return f"{repo.page}/tree/{revision}" if revision else repo.page


def check_push(
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    tag: str | None = None,
    replace: bool = False,
    token: str | None = None,
) -> None:
    """Make sure that a push will be accepted, before there is something to push.

    Leaves the Hub as it is: a repository that does not exist is created only for a moment.

    Args:
        repo_id, private, revision, tag, replace, token: See `push_bundle`.

    Raises:
        HubError: The Hub cannot be reached or refuses it, the tag is taken, or there are other
            files and `replace` is not set.
        UsageError: The name does not have the form `user/name`.
    """
    repo = Repo(repo_id, token=token)
    with translated_errors(repo_id, revision=revision):
        if repo.find(private=private) is None:
            repo.try_creating()
            return
        if not replace:
            _refuse_foreign(repo, repo.state(revision or "main"))
        if tag and repo.commit_of(tag):
            raise HubError(_tag_taken(repo_id, tag))


def files_to_push(bundle: Bundle, repo_id: str) -> Files:
    """The files of a bundle; the card gets the repository's name in place of the placeholder."""
    files: Files = {name: bundle.path / name for name in [CONFIG, *bundle.config["files"]]}
    card = bundle.path / CARD
    if card.is_file():
        files[CARD] = card.read_bytes().replace(CARD_PLACEHOLDER.encode(), repo_id.encode())
    return files


def commit_message(bundle: Bundle) -> str:
    """The headline metrics, and what they were measured on."""
    titles = {"top_1": "Top-1", "top_3": "top-3"}
    metrics = [f"{titles[m['name']]} {100 * m['value']:.2f} %" for m in bundle.headline]
    if not metrics:
        return f"Model of {len(bundle.labels)} classes"
    test = bundle.headline[-1]
    return f"{', '.join(metrics)} on {test['count']} photos of {test['dataset']}/{test['split']}"


def _refuse_foreign(repo: Repo, state: State) -> None:
    """Make sure that only a bundle is replaced; the files that its config states are part of it."""
    ours: set[str] = set()
    try:
        config = json.loads(repo.read(state, CONFIG) or b"")
        if type(config["format_version"]) is int and isinstance(config["files"], dict):
            ours = {CONFIG, CARD, *config["files"]}
    except (ValueError, TypeError, KeyError, RecursionError):
        # The config.json of something else, or none.
        pass
    repo.refuse_foreign(state, ours.__contains__, "a model bundle")


def _tag_taken(repo_id: str, tag: str | None) -> str:
    return f"The tag {tag} of {repo_id} already names another state; choose another tag."
