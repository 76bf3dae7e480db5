"""What all routes of the local Hub share: the storage, the accounts, addresses, paging."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import QueryParams

from tests.hub.accounts import Accounts, Token, check_files, check_write, may_see
from tests.hub.errors import HttpError, repo_not_found
from tests.hub.storage import Repo, Storage

TYPES = {"models": "model", "datasets": "dataset", "spaces": "space"}
URL_PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}


@dataclass
class Backend:
    """The server's state; the routes themselves have none."""

    storage: Storage
    lfs_limit: int
    part_size: int
    page_size: int
    build_polls: int
    endpoint: str = ""
    cdn: str = ""
    accounts: Accounts = field(default_factory=Accounts)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def token(self, request: Request) -> Token | None:
        return self.accounts.identify(request.headers.get("authorization"))

    def open(self, request: Request, need: Literal["info", "files", "write"]) -> Repo:
        """The repository that a request names, if the caller may do this with it."""
        parts = request.scope["path"].split("/")
        if parts[1] == "api" and parts[2] not in TYPES:
            raise HTTPException(404)
        repo_type = TYPES.get(parts[2] if parts[1] == "api" else parts[1], "model")
        repo_id = f"{request.path_params['owner']}/{request.path_params['name']}"
        token = self.token(request)
        repo = self.storage.find(repo_type, repo_id)
        if repo is None or not may_see(token, repo):
            raise repo_not_found(signed_in=token is not None)
        if need == "files":
            check_files(token, repo, self.page(repo))
        elif need == "write":
            check_write(token, repo)
        return repo

    def page(self, repo: Repo) -> str:
        """The address that people open."""
        return f"{self.endpoint}/{URL_PREFIXES[repo.type]}{repo.id}"

    def signed(self, origin: str, path: str, query: str = "") -> str:
        """An address that works without a token, like those of the file storage."""
        signature = hmac.new(self.secret, f"{path}?{query}".encode(), hashlib.sha256).hexdigest()
        joined = f"{query}&" if query else ""
        return f"{origin}{quote(path)}?{joined}signature={signature}"

    def check_signature(self, path: str, query: QueryParams) -> None:
        """Refuse an address that `signed` did not make."""
        rest = urlencode([(k, v) for k, v in query.multi_items() if k != "signature"])
        expected = hmac.new(self.secret, f"{path}?{rest}".encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, query.get("signature", "")):
            raise HttpError(403, "This address is not signed.")

    def paged(self, request: Request, items: list[Any], limit: int | None = None) -> JSONResponse:
        """One page of a list; a header names the next page, and the client follows it."""
        size = min(limit or self.page_size, self.page_size)
        start = int(request.query_params.get("cursor", 0))
        headers = {}
        if start + size < len(items):
            query = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
            query.append(("cursor", str(start + size)))
            address = f"{self.endpoint}{request.scope['path']}?{urlencode(query)}"
            headers["Link"] = f'<{address}>; rel="next"'
        return JSONResponse(items[start : start + size], headers=headers)


def flag(value: str | None) -> bool:
    """A yes-or-no query parameter."""
    return (value or "").lower() in ("1", "true")
