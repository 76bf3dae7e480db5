"""What the Hub's client raises, told to people: one sentence each, with what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import constants, errors

from dogbreed.bundle import CARD
from dogbreed.errors import HubError


@contextmanager
def told_plainly(repo_id: str, repo_type: str = "model", revision: str | None = None) -> Iterator:
    """Turn what the client raises within this block into a HubError.

    Args:
        repo_id: The repository that the block works on.
        repo_type: `model` or `space`.
        revision: Branch, tag or commit that was asked for.

    Raises:
        HubError: The client has raised an error.
    """
    try:
        yield
    # Beside its own classes the client raises bare ones of these: an upload that is cut ends in a
    # RuntimeError, a card that the Hub does not accept in a ValueError.
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RuntimeError) as error:
        raise explain(error, repo_id, repo_type, revision) from error


def explain(
    error: Exception, repo_id: str, repo_type: str = "model", revision: str | None = None
) -> HubError:
    """Find the sentence for an error of the client; arguments as for `told_plainly`."""
    kind = {"model": "model", "space": "Space"}[repo_type]
    page = f"{constants.ENDPOINT}/{'spaces/' if repo_type == 'space' else ''}{repo_id}"
    settings = f"{constants.ENDPOINT}/settings/tokens"
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None

    if isinstance(error, errors.HFValidationError):
        return HubError(f"{repo_id} cannot be a {kind} of the Hub; name it as user/name.")
    if isinstance(error, errors.LocalTokenNotFoundError):
        return HubError("You are not signed in to the Hub; run `hf auth login` or set HF_TOKEN.")
    if isinstance(error, errors.GatedRepoError):
        sign_in = "sign in with `hf auth login` and " if status == 401 else ""
        return HubError(
            f"The {kind} {repo_id} is given only to those whom its owner lets in; {sign_in}"
            f"ask for access at {page}."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return HubError(
            f"There is no {kind} {repo_id} on the Hub, or it is private; check the name, and "
            "sign in with `hf auth login` as somebody who may see it."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return HubError(
            f"The {kind} {repo_id} has no branch, tag or commit {revision}; "
            f"{page}/commits/main shows what there is."
        )
    if status == 401:
        return HubError(
            "The Hub does not know your token; sign in again with `hf auth login`, or correct "
            f"HF_TOKEN with one from {settings}."
        )
    if status == 402:
        return HubError(
            f"The Hub wants a subscription for the {kind} {repo_id} ({_reason(error)}); see "
            f"{constants.ENDPOINT}/pricing, or share the page from your own computer with "
            "`python app.py --share`."
        )
    if status == 403:
        return HubError(
            f"Your token has no right to do that with the {kind} {repo_id} ({_reason(error)}); "
            f"use one that may write to it, from {settings}."
        )
    if status == 412:
        return HubError(f"The {kind} {repo_id} has changed in the meantime; try again.")
    if status == 429:
        wait = error.response.headers.get("Retry-After")
        when = f"in {wait} seconds" if wait else "later"
        return HubError(f"The Hub asks you to slow down; try again {when}.")
    if status is not None and status >= 500:
        return HubError(
            f"The Hub is out of order at present (error {status}); try again in a few minutes."
        )
    if status is not None:
        return HubError(f"The Hub refuses the {kind} {repo_id}: {_reason(error)}.")
    if error.__cause__ is not None and isinstance(
        error, (errors.LocalEntryNotFoundError, RuntimeError)
    ):
        return explain(error.__cause__, repo_id, repo_type, revision)
    if isinstance(error, ValueError) and CARD in str(error):
        problems = [line.strip("- ") for line in str(error).splitlines()[1:]]
        return HubError(
            f"The Hub does not accept the {CARD} of {repo_id} ({', '.join(problems)}); correct the "
            "lines at its top."
        )
    if isinstance(error, (httpx2.TransportError, errors.OfflineModeIsEnabled)):
        return HubError(
            f"The Hub cannot be reached ({_reason(error)}); check the connection and try again."
        )
    return HubError(f"Something is wrong with the {kind} {repo_id}: {_reason(error)}.")


def is_unreachable(error: BaseException | None) -> bool:
    """Whether the Hub could not be asked, so that a copy from earlier may stand in."""
    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return isinstance(error, (httpx2.TransportError, errors.OfflineModeIsEnabled))


def _reason(error: Exception) -> str:
    """What the server has said, else the first line of the error."""
    text = getattr(error, "server_message", None) or str(error)
    lines = text.strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".: ")
