"""Push a bundle to the Hub, so that anybody can load it by name."""

from pathlib import Path

from huggingface_hub import HfApi

from dogbreed.bundle import CARD, CARD_PLACEHOLDER, CONFIG, Bundle
from dogbreed.errors import HubError
from dogbreed.hub import complete, load_bundle
from dogbreed.hub_errors import told_plainly
from dogbreed.upload import Files, commit, compare, open_repo


def push_bundle(
    source: Bundle | str | Path,
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    tag: str | None = None,
    token: str | None = None,
) -> str:
    """Make a model repository hold exactly a bundle, in one commit.

    A push that was cut off leaves the repository as it was and can be repeated; pushing what is
    there already makes no commit.

    Args:
        source: The bundle, or where it is, see `hub.load_bundle`.
        repo_id: `user/name`; it is created if needed.
        private: Only its owner may see it.
        revision: Branch to push to, created from `main` if needed; `main` if left out.
        tag: Name for the pushed state.
        token: Hub token; if left out the one of `hf auth login` or `$HF_TOKEN`.

    Returns:
        The address of its page.

    Raises:
        BundleError: The bundle is incomplete or damaged.
        HubError: The Hub cannot be reached or refuses it, or the tag names another state.
    """
    bundle = complete(source if isinstance(source, Bundle) else load_bundle(source, files=()))
    api = _client(token)
    branch = revision or "main"
    with told_plainly(repo_id, revision=revision):
        page = open_repo(api, repo_id, private=private)
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        change = compare(api, repo_id, files_to_push(bundle, repo_id), branch=branch)
        tagged = _tagged(api, repo_id, tag)
        if tagged is not None and (change.operations or tagged != change.head):
            raise _tag_taken(repo_id, tag)
        made = commit(api, repo_id, change, commit_message(bundle), branch=branch)
        if tag is not None and tagged is None:
            api.create_tag(repo_id, tag=tag, revision=made)
    return f"{page}/tree/{revision}" if revision else page


def check_push(
    repo_id: str, *, private: bool = False, tag: str | None = None, token: str | None = None
) -> None:
    """Make sure that a push will be let through, before there is something to push.

    The repository is created if needed: only that shows that it can be.

    Args:
        repo_id, private, tag, token: See `push_bundle`.

    Raises:
        HubError: The Hub cannot be reached or refuses it, or the tag is taken.
    """
    api = _client(token)
    with told_plainly(repo_id):
        open_repo(api, repo_id, private=private)
        if _tagged(api, repo_id, tag) is not None:
            raise _tag_taken(repo_id, tag)


def files_to_push(bundle: Bundle, repo_id: str) -> Files:
    """The files of a bundle; in its card the repository's name stands for the placeholder."""
    files: Files = {name: bundle.path / name for name in [CONFIG, *bundle.config["files"]]}
    card = bundle.path / CARD
    if card.is_file():
        files[CARD] = card.read_bytes().replace(CARD_PLACEHOLDER.encode(), repo_id.encode())
    return files


def commit_message(bundle: Bundle) -> str:
    """The headline figures, and what they were measured on."""
    titles = {"top_1": "Top-1", "top_3": "top-3"}
    figures = [f"{titles[m['name']]} {100 * m['value']:.2f} %" for m in bundle.headline]
    if not figures:
        return f"Model of {len(bundle.labels)} classes"
    test = bundle.headline[-1]
    return f"{', '.join(figures)} on {test['count']} photos of {test['dataset']}/{test['split']}"


def _client(token: str | None) -> HfApi:
    return HfApi(token=token, library_name="dogbreed")


def _tagged(api: HfApi, repo_id: str, tag: str | None) -> str | None:
    """The commit that a tag names, if there is such a tag."""
    if tag is None:
        return None
    tags = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags}
    return tags.get(tag)


def _tag_taken(repo_id: str, tag: str) -> HubError:
    return HubError(
        f"The tag {tag} of {repo_id} already names another state of it; choose another tag."
    )
