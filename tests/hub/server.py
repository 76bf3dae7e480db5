"""A Hugging Face Hub on this computer, for tests of what talks to the real one.

    with LocalHub(tmp_path) as hub:
        hub.add_user("ann", "hf_ann")
        api = HfApi(endpoint=hub.endpoint, token="hf_ann")
        api.create_repo("ann/dogs")
        assert "config.json" not in hub.files("ann/dogs")

It answers the requests of `huggingface_hub` and `datasets` over real HTTP, so nothing in the client
is replaced. The client reads two settings when it is imported: `HF_HUB_DISABLE_XET=1`, which is
needed since this server speaks only the LFS protocol, and `HF_ENDPOINT`, for code that takes no
endpoint as an argument. `LocalHub.environ()` contains both, for a process of its own.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tests.hub.backend import Backend
from tests.hub.cards import space_readme
from tests.hub.errors import HttpError
from tests.hub.file_routes import file_routes
from tests.hub.repo_routes import repo_routes
from tests.hub.space_routes import new_space, rebuild, space_routes
from tests.hub.storage import Commit, Repo, Storage
from tests.hub.wire import Fault, Wire
from tests.hub.wire import Request as LoggedRequest

RepoType = Literal["model", "dataset", "space"]
MIB = 1024 * 1024


class LocalHub:
    """The server, and what a test does to it directly.

    Args:
        root: Where everything is stored; see `storage` for the layout.
        lfs_limit: Size in bytes above which a file is a large one, whatever its name.
        part_size: Size in bytes above which a large file is uploaded in parts of this size.
        page_size: Number of entries on one page of a listing.
        build_polls: How often a Space answers BUILDING after each change before it runs.
    """

    def __init__(
        self,
        root: Path,
        *,
        lfs_limit: int = 10 * MIB,
        part_size: int = 32 * MIB,
        page_size: int = 1000,
        build_polls: int = 2,
    ) -> None:
        self._backend = Backend(Storage(Path(root)), lfs_limit, part_size, page_size, build_polls)
        self._wire = Wire(_application(self._backend), lambda: self._ports[1])
        self._ports = (0, 0)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    # The server

    def start(self) -> LocalHub:
        """Listen; after a `stop`, on the same addresses again."""
        sockets = [_listen(port) for port in self._ports]
        self._ports = (sockets[0].getsockname()[1], sockets[1].getsockname()[1])
        self._backend.endpoint, self._backend.cdn = (f"http://127.0.0.1:{p}" for p in self._ports)
        config = uvicorn.Config(
            self._wire,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=(sockets,), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The local Hub did not start")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Stop listening and close what is still open. The data stays."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=10)
            self._server = self._thread = None

    def __enter__(self) -> LocalHub:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None and self._wire.crashes:
            # A bug in this server must not look like one in the code under test.
            raise self._wire.crashes[0]

    @property
    def endpoint(self) -> str:
        """The value for `HF_ENDPOINT`."""
        return self._backend.endpoint

    @property
    def cdn(self) -> str:
        """The other host, to which large files are uploaded and from which they are downloaded."""
        return self._backend.cdn

    def environ(self, token: str | None = None, home: Path | None = None) -> dict[str, str]:
        """The environment of a process whose Hub this is; its cache is below `home`."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.lower().endswith("_proxy") and not name.startswith(("HF_", "HUGGING"))
        }
        environ |= {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home or self._backend.storage.root / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            # The download counter of `datasets` is on a fixed host of its own.
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        }
        if token is not None:
            environ["HF_TOKEN"] = token
        return environ

    # Accounts

    def add_user(
        self,
        name: str,
        token: str,
        *,
        write: bool = True,
        organizations: tuple[str, ...] = (),
        paid: bool = True,
    ) -> None:
        """Let a token act as a user; call it again for a second token of the same user."""
        self._backend.accounts.add(name, token, write, organizations, paid)

    # Repositories

    def create_repo(
        self,
        repo_id: str,
        repo_type: RepoType = "model",
        *,
        private: bool = False,
        sdk: str = "gradio",
    ) -> None:
        """Create a repository with the first commit that the Hub makes itself."""
        space = repo_type == "space"
        readme = space_readme(repo_id.split("/")[1], sdk) if space else None
        repo = self._backend.storage.create(repo_type, repo_id, private, readme)
        if space:
            new_space(repo, {"sdk": sdk}, self._backend.build_polls)

    def repo_exists(self, repo_id: str, repo_type: RepoType = "model") -> bool:
        return self._backend.storage.find(repo_type, repo_id) is not None

    def commit_files(
        self,
        repo_id: str,
        files: Mapping[str, bytes | str | Path | None],
        repo_type: RepoType = "model",
        *,
        message: str = "Seed",
        branch: str = "main",
    ) -> str:
        """Put files (`None` deletes one) into a repository in one commit and return its hash."""
        repo = self._repo(repo_id, repo_type)
        head = repo.resolve(branch)
        changes = {}
        for path, content in files.items():
            if isinstance(content, str):
                content = content.encode()
            if content is not None:
                content = repo.store(head, path, content, self._backend.lfs_limit)
            changes[path] = content
        oid = repo.commit(branch, repo.owner, changes, message).oid
        if repo_type == "space" and branch == "main":
            rebuild(repo, self._backend.build_polls)
        return oid

    def create_tag(self, repo_id: str, tag: str, repo_type: RepoType = "model") -> None:
        """Name the current state of the main branch."""
        repo = self._repo(repo_id, repo_type)
        with repo.edit() as state:
            state["tags"][tag] = state["branches"]["main"]

    def files(
        self, repo_id: str, repo_type: RepoType = "model", revision: str = "main"
    ) -> dict[str, bytes]:
        """Every file of a revision, including the .gitattributes that the Hub writes."""
        repo = self._repo(repo_id, repo_type)
        return {path: repo.read(entry) for path, entry in repo.resolve(revision).files.items()}

    def commits(
        self, repo_id: str, repo_type: RepoType = "model", revision: str = "main"
    ) -> list[Commit]:
        """The commits of a revision, newest first; the last is the Hub's own "initial commit"."""
        return self._repo(repo_id, repo_type).history(revision)

    def refs(self, repo_id: str, repo_type: RepoType = "model") -> dict[str, dict[str, str]]:
        """`{"branches": {name: hash}, "tags": {name: hash}}`."""
        state = self._repo(repo_id, repo_type).state
        return {group: state[group] for group in ("branches", "tags")}

    def settings(self, repo_id: str, repo_type: RepoType = "model") -> dict[str, Any]:
        """Whether it is private or gated, and a Space's sdk, hardware, variables and secrets."""
        return self._repo(repo_id, repo_type).state

    def set_private(
        self, repo_id: str, private: bool = True, repo_type: RepoType = "model"
    ) -> None:
        with self._repo(repo_id, repo_type).edit() as state:
            state["private"] = private

    def set_gated(
        self,
        repo_id: str,
        mode: Literal["auto", "manual", False] = "manual",
        repo_type: RepoType = "model",
        *,
        granted: tuple[str, ...] = (),
    ) -> None:
        """Allow only the owner and the users in `granted` to download the files."""
        with self._repo(repo_id, repo_type).edit() as state:
            state["gated"] = mode
            state["granted"] = list(granted)

    def set_space_outcome(self, repo_id: str, stage: str, error: str | None = None) -> None:
        """The stage of a Space once it has been built, for example BUILD_ERROR."""
        with self._repo(repo_id, "space").edit() as state:
            state["space"]["outcome"] = stage
            state["space"]["error"] = error

    def _repo(self, repo_id: str, repo_type: RepoType) -> Repo:
        repo = self._backend.storage.find(repo_type, repo_id)
        if repo is None:
            raise KeyError(f"The local Hub has no {repo_type} {repo_id}")
        return repo

    # Requests and faults

    @property
    def requests(self) -> list[LoggedRequest]:
        """Every request since the start or the last `clear_requests`, in order of arrival."""
        return list(self._wire.requests)

    def clear_requests(self) -> None:
        self._wire.requests.clear()

    def fail_next(
        self,
        method: str | None = None,
        path_contains: str = "",
        *,
        status: int | None = None,
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        message: str = "Deliberate fault",
        cut_after: int | None = None,
        cut_upload_after: int | None = None,
        delay: float = 0.0,
        bytes_per_second: float | None = None,
    ) -> Fault:
        """Make the next `times` (`None`: all) matching requests fail.

        Args:
            method, path_contains: Which requests; the path is decoded and has no query. A large
                file is downloaded from /cdn/objects/<sha256>/<repository>/<file> and uploaded to
                /cdn/upload/<sha256>/<size> or, in parts, to /cdn/parts/<sha256>/<number>.
            status, headers, message: Answer this instead.
            cut_after: Close the connection after this many bytes of the answer's body.
            cut_upload_after: Close it once more than this many bytes of the upload have arrived.
            delay: Seconds before anything happens.
            bytes_per_second: How fast the answer's body is sent.

        Returns:
            The fault; its `used` counts the requests that it met.
        """
        fault = Fault(
            method=method,
            path_contains=path_contains,
            times=times,
            status=status,
            headers=dict(headers or {}),
            message=message,
            cut_after=cut_after,
            cut_upload_after=cut_upload_after,
            delay=delay,
            bytes_per_second=bytes_per_second,
        )
        self._wire.faults.append(fault)
        return fault

    def clear_faults(self) -> None:
        self._wire.faults.clear()


def _application(backend: Backend) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)

    @app.exception_handler(HttpError)
    async def hub_error(_: Request, error: HttpError) -> JSONResponse:
        return JSONResponse(error.body, error.status, error.headers)

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> JSONResponse:
        message = f"The local Hub has no {request.method} {request.url.path}"
        return JSONResponse({"error": message}, error.status_code)

    for routes in (space_routes(backend), repo_routes(backend), file_routes(backend)):
        app.include_router(routes)
    return app


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener
