"""The errors that the local Hub answers with, in the form that `huggingface_hub` understands."""

from __future__ import annotations


class HubError(Exception):
    """An HTTP error; `code` becomes the header that the client picks its exception class by."""

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


def repo_not_found(signed_in: bool) -> HubError:
    """A repository that is missing, or private and somebody else's: the answer is the same."""
    if signed_in:
        return HubError(404, "Repository not found", "RepoNotFound")
    return HubError(401, "Invalid username or password.", "RepoNotFound")


def revision_not_found(revision: str) -> HubError:
    """The repository exists, the branch, tag or commit does not."""
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(message: str, commit: str) -> HubError:
    """The commit exists, the file or folder in it does not."""
    return HubError(404, message, "EntryNotFound", {"X-Repo-Commit": commit})


def gated(kind: str, repo_id: str, url: str, signed_in: bool) -> HubError:
    """The files of a gated repository are for users that its owner let in."""
    if signed_in:
        return HubError(
            403,
            f"Access to {kind} {repo_id} is restricted and you are not in the authorized list. "
            f"Visit {url} to ask for access.",
            "GatedRepo",
        )
    return HubError(
        401,
        f"Access to {kind} {repo_id} is restricted. "
        "You must have access to it and be authenticated to access it. Please log in.",
        "GatedRepo",
    )
