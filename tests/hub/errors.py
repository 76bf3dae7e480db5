"""The errors that the local Hub answers with, in the form that `huggingface_hub` expects."""

from __future__ import annotations


class HttpError(Exception):
    """An HTTP error; by the header made from `code` the client chooses its exception class."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        headers: dict[str, str] | None = None,
        **body: object,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"error": message, **body}
        # A header is one line of Latin-1; the body has the message as it is.
        line = " ".join(message.split()).encode("latin-1", "replace").decode("latin-1")
        self.headers = {"X-Error-Message": line, **(headers or {})}
        if code is not None:
            self.headers["X-Error-Code"] = code


def repo_not_found(signed_in: bool) -> HttpError:
    """A repository that is missing, or is private and belongs to somebody else: both look alike."""
    if signed_in:
        return HttpError(404, "Repository not found", "RepoNotFound")
    return HttpError(401, "Invalid username or password.", "RepoNotFound")


def revision_not_found(revision: str) -> HttpError:
    """The repository exists, the branch, tag or commit does not."""
    return HttpError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(message: str, commit: str) -> HttpError:
    """The commit exists, the file or folder in it does not."""
    return HttpError(404, message, "EntryNotFound", {"X-Repo-Commit": commit})


def gated(kind: str, repo_id: str, url: str, signed_in: bool) -> HttpError:
    """The files of a gated repository are only for users whom its owner has given access."""
    if signed_in:
        return HttpError(
            403,
            f"Access to {kind} {repo_id} is restricted and you are not in the authorized list. "
            f"Visit {url} to ask for access.",
            "GatedRepo",
        )
    return HttpError(
        401,
        f"Access to {kind} {repo_id} is restricted. "
        "You must have access to it and be authenticated to access it. Please log in.",
        "GatedRepo",
    )
