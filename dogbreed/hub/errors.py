"""What the Hub's client raises, as one sentence for people that says what to do."""

import errno
import json
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

import httpx2
from huggingface_hub import constants, errors

from dogbreed.errors import HubError

_KINDS = {"model": "model", "space": "Space"}
_WRAPPERS = (errors.LocalEntryNotFoundError, RuntimeError)
# Whatever is wrong between this computer and the Hub.
_NO_ANSWER = (
    httpx2.TransportError,
    httpx2.TooManyRedirects,
    errors.OfflineModeIsEnabled,
    errors.FileMetadataError,
)
_UNWRITABLE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    # A file where a folder should be.
    *(errno.ENOTDIR, errno.EEXIST),
}
# Tokens, and passwords in the address of a proxy.
_SECRET = re.compile(r"\bhf_\w+|(?<=://)[^/@\s]+(?=@)")
_LONGEST_REASON = 300


@contextmanager
def translated_errors(
    repo_id: str, repo_type: str = "model", revision: str | None = None
) -> Iterator[None]:
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
    # In addition to its own classes the client raises these: an upload that is cut off ends in a
    # RuntimeError, a card that the Hub rejects in a ValueError.
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RuntimeError) as error:
        raise explain(error, repo_id, repo_type, revision) from error
    except (KeyError, TypeError, AttributeError) as error:
        # The client reads answers without checking them; what is not from there is a bug of ours.
        if not _is_raised_by_client(error):
            raise
        raise _not_the_hub() from error
    except ImportError as error:
        if "socksio" not in str(error):
            raise
        raise HubError(
            "This computer's proxy settings name a SOCKS proxy, which needs an extra package; run "
            "`pip install socksio`."
        ) from error


def explain(
    error: BaseException, repo_id: str, repo_type: str = "model", revision: str | None = None
) -> HubError:
    """Find the sentence for an error of the client; arguments as for `translated_errors`."""
    subject = f"{_KINDS[repo_type]} {repo_id}"
    if isinstance(error, errors.HfHubHTTPError):
        page = f"{constants.ENDPOINT}/{'spaces/' if repo_type == 'space' else ''}{repo_id}"
        return HubError(_explain_answer(error, subject, page, revision))
    if isinstance(error, errors.HFValidationError):
        return HubError(
            f"{repo_id} is not a possible name of a {_KINDS[repo_type]} on the Hub; name it as "
            "user/name."
        )
    if isinstance(error, errors.LocalTokenNotFoundError):
        return HubError("You are not signed in to the Hub; run `hf auth login` or set HF_TOKEN.")
    if isinstance(error, (UnicodeEncodeError, httpx2.LocalProtocolError)):
        # A header cannot be sent, and only one of them depends on the user.
        return HubError(
            "Your token contains characters that no token contains; copy it again from "
            f"{constants.ENDPOINT}/settings/tokens, for `hf auth login` or HF_TOKEN."
        )
    if is_unwritable(error):
        return HubError(
            f"The cache {constants.HF_HUB_CACHE} cannot be written ({error.strerror}); make it "
            "writable and see that there is space, or set HF_HOME to another folder."
        )
    # The client wraps what went wrong on the way to the Hub in errors of its own.
    if error.__cause__ is not None and isinstance(error, _WRAPPERS):
        return explain(error.__cause__, repo_id, repo_type, revision)
    if isinstance(error, (errors.FileMetadataError, json.JSONDecodeError)):
        return _not_the_hub()
    if isinstance(error, ValueError) and constants.REPOCARD_NAME in str(error):
        problems = [line.strip("- ") for line in str(error).splitlines()[1:]]
        return HubError(
            f"The Hub rejects the {constants.REPOCARD_NAME} of {repo_id} ({', '.join(problems)}); "
            "correct the lines at its top."
        )
    if isinstance(error, _NO_ANSWER):
        return HubError(
            f"The Hub cannot be reached ({stated(error)}); check the connection and try again."
        )
    return HubError(f"Something went wrong with the {subject}: {stated(error)}.")


def _explain_answer(
    error: errors.HfHubHTTPError, subject: str, page: str, revision: str | None
) -> str:
    """The sentence for an error that the Hub has answered with."""
    status = error.response.status_code
    settings = f"{constants.ENDPOINT}/settings/tokens"
    if isinstance(error, errors.GatedRepoError):
        sign_in = "sign in with `hf auth login` and " if status == 401 else ""
        return (
            f"The {subject} is only for people whom its owner has given access; {sign_in}request "
            f"access at {page}."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"There is no {subject} on the Hub, or it is private; check the name, and sign in with "
            "`hf auth login` to an account that may see it."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"The {subject} has no branch, tag or commit {revision}; see {page}/commits/main for "
            "those that it has."
        )
    if status == 401:
        return (
            "The Hub does not accept your token; sign in again with `hf auth login`, or set "
            f"HF_TOKEN to a valid one from {settings}."
        )
    if status == 402:
        return (
            f"The Hub requires a subscription for the {subject} ({stated(error)}); see "
            f"{constants.ENDPOINT}/pricing, or share the page from your own computer with "
            "`python app.py --share`."
        )
    if status == 403:
        return (
            f"Your token does not permit that for the {subject} ({stated(error)}); use one with "
            f"write access from {settings}."
        )
    if status == 412:
        return f"The {subject} has changed in the meantime; try again."
    if status == 429:
        wait = error.response.headers.get("Retry-After")
        when = f"in {wait} seconds" if wait else "later"
        return f"The Hub has received too many requests from you; try again {when}."
    if status >= 500:
        return f"The Hub is temporarily unavailable (error {status}); try again in a few minutes."
    return f"The Hub refuses the {subject}: {stated(error)}."


def _not_the_hub() -> HubError:
    return HubError(
        f"The Hub cannot be reached (what answers at {constants.ENDPOINT} is not the Hub); check "
        "the connection, the proxy settings and HF_ENDPOINT."
    )


def _is_raised_by_client(error: Exception) -> bool:
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals.get("__name__", "").startswith("huggingface_hub.")


def is_unreachable(error: BaseException | None) -> bool:
    """Whether the Hub could not be asked, so that a cached copy may stand in."""
    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    if isinstance(error, _WRAPPERS) and error.__cause__ is not None:
        return is_unreachable(error.__cause__)
    return isinstance(error, _NO_ANSWER) and not isinstance(error, httpx2.LocalProtocolError)


def is_unwritable(error: BaseException | None) -> TypeGuard[OSError]:
    """Whether the client's cache cannot be written, so that nothing new can be stored in it."""
    if not isinstance(error, OSError) or error.errno not in _UNWRITABLE:
        return False
    # Without a file name: a write that failed in the middle of a file.
    return error.filename is None or _is_in_cache(error.filename)


def _is_in_cache(name: str | bytes | int) -> bool:
    cache, home = Path(constants.HF_HUB_CACHE), Path(constants.HF_HOME)
    path = Path(os.fsdecode(name)) if isinstance(name, (str, bytes)) else Path()
    # The client may fail at a folder that contains the cache.
    return any(path.is_relative_to(ours) or ours.is_relative_to(path) for ours in (cache, home))


def stated(error: BaseException) -> str:
    """What the server has said, else the first line of the error, as far as it can be shown."""
    text = getattr(error, "server_message", None) or str(error)
    lines = text.strip().splitlines() or [type(error).__name__]
    line = _SECRET.sub("***", lines[0][:_LONGEST_REASON])
    return "".join(c if c.isprintable() else "?" for c in line).rstrip(".: ")
