"""The local Hub's users, their tokens, and who may do what with which repository."""

from __future__ import annotations

from dataclasses import dataclass

from tests.hub.errors import HttpError, gated, repo_not_found
from tests.hub.storage import Repo


@dataclass(frozen=True)
class Token:
    """What a request is allowed to do: as which user, and whether it may change anything."""

    user: str
    namespaces: tuple[str, ...]
    write: bool
    paid: bool = True


class Accounts:
    """Tokens by their secret text."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}

    def add(
        self, user: str, secret: str, write: bool, organizations: tuple[str, ...], paid: bool
    ) -> None:
        self.tokens[secret] = Token(user, (user, *organizations), write, paid)

    def identify(self, authorization: str | None) -> Token | None:
        """The token of a request, `None` for an anonymous one."""
        if not authorization:
            return None
        token = self.tokens.get(authorization.removeprefix("Bearer ").strip())
        if token is None:
            raise HttpError(401, "Invalid credentials in Authorization header")
        return token


def may_see(token: Token | None, repo: Repo) -> bool:
    """Whether the repository exists at all for this caller."""
    return not repo.state["private"] or (token is not None and repo.owner in token.namespaces)


def check_files(token: Token | None, repo: Repo, url: str) -> None:
    """Whether the contents of a repository that the caller can see may be downloaded."""
    state = repo.state
    if not state["gated"]:
        return
    if token is not None and (repo.owner in token.namespaces or token.user in state["granted"]):
        return
    raise gated(repo.type, repo.id, url, signed_in=token is not None)


def check_write(token: Token | None, repo: Repo) -> None:
    """Whether a repository that the caller can see may be changed."""
    if token is None:
        raise repo_not_found(signed_in=False)
    if not token.write:
        raise HttpError(403, "You must use a write token to upload to a repository.")
    if repo.owner not in token.namespaces:
        raise HttpError(403, f"You don't have the rights to change the {repo.type} {repo.id}")


def check_create(token: Token | None, repo_type: str, namespace: str) -> Token:
    """Whether a repository may be created in a namespace."""
    if token is None:
        raise HttpError(401, "Invalid username or password.")
    if not token.write or namespace not in token.namespaces:
        rights = f'create a {repo_type} under the namespace "{namespace}"'
        raise HttpError(403, f"You don't have the rights to {rights}")
    return token


def check_plan(token: Token, sdk: str, hardware: str) -> None:
    """Whether an account may have such a Space: without a plan static ones and ZeroGPU only."""
    if not (token.paid or sdk == "static" or (sdk, hardware) == ("gradio", "zero-a10g")):
        raise HttpError(402, f"A {sdk} Space on {hardware} requires a PRO subscription")
