"""Routes that move files: large uploads, commits, downloads, and the file storage behind them."""

from __future__ import annotations

import base64
import hashlib
import json
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from tests.hub.backend import URL_PREFIXES, Backend
from tests.hub.cards import problems
from tests.hub.errors import HttpError, entry_not_found
from tests.hub.space_routes import rebuild
from tests.hub.storage import Commit, Entry, Repo


def file_routes(hub: Backend) -> APIRouter:
    """Uploads through the LFS protocol, commits, and downloads."""
    routes = APIRouter()
    base = "/api/{kind}/{owner}/{name}"

    @routes.post(base + "/preupload/{revision}")
    async def preupload(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        commit = repo.resolve(unquote(request.path_params["revision"]))
        answers = []
        for file in (await request.json())["files"]:
            path, sample = file["path"], base64.b64decode(file["sample"])
            large = repo.is_large(commit, path, file["size"], sample, hub.lfs_limit)
            answer = {"path": path, "uploadMode": "regular", "shouldIgnore": False}
            known = commit.files.get(path)
            if large:
                answer["uploadMode"] = "lfs"
            if known is not None:
                answer["oid"] = known.sha256 if known.lfs else known.oid
            answers.append(answer)
        return JSONResponse({"files": answers})

    @routes.post(base + "/commit/{revision}")
    async def commit(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        if request.query_params.get("create_pr"):
            raise HttpError(400, "The local Hub has no pull requests.")
        branch = unquote(request.path_params["revision"])
        lines = [json.loads(line) for line in (await request.body()).splitlines() if line.strip()]
        header, operations = _split_header(lines)
        changes = _changes(repo, repo.resolve(branch), operations)
        made = repo.commit(
            branch,
            hub.token(request).user,
            changes,
            title=header["summary"],
            message=header.get("description", ""),
            expected_parent=header.get("parentCommit"),
        )
        if repo.type == "space" and branch == "main":
            rebuild(repo, hub.build_polls)
        url = f"{hub.page(repo)}/commit/{made.oid}"
        return JSONResponse({"success": True, "commitOid": made.oid, "commitUrl": url})

    async def lfs_batch(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        answers = []
        several_parts = False
        for wanted in (await request.json())["objects"]:
            oid, size = _checked_oid(wanted["oid"]), int(wanted["size"])
            answer: dict[str, Any] = {"oid": oid, "size": size}
            if not repo.has_lfs(oid, size):
                several_parts |= size > hub.part_size
                answer["actions"] = _upload_actions(hub, repo, oid, size)
            answers.append(answer)
        transfer = "multipart" if several_parts else "basic"
        return JSONResponse({"transfer": transfer, "objects": answers})

    async def lfs_verify(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        payload = await request.json()
        path = hub.storage.objects.path(_checked_oid(payload["oid"]))
        if not path.exists() or path.stat().st_size != payload["size"]:
            raise HttpError(404, f"No such object of {payload['size']} bytes was uploaded")
        repo.add_lfs(payload["oid"])
        return JSONResponse({})

    @routes.put("/cdn/upload/{oid}/{size}")
    async def upload(request: Request) -> Response:
        _check_storage_request(hub, request)
        oid, size = request.path_params["oid"], int(request.path_params["size"])
        with hub.storage.objects.temporary() as path:
            await _receive(request, path)
            _adopt(hub, path, oid, size)
        return Response(headers={"ETag": f'"{oid}"'})

    @routes.put("/cdn/parts/{oid}/{number}")
    async def upload_part(request: Request) -> Response:
        _check_storage_request(hub, request)
        oid, number = request.path_params["oid"], request.path_params["number"]
        digest = await _receive(request, _part(hub, oid, number))
        return Response(headers={"ETag": f'"{digest}"'})

    @routes.post("/api/complete/{oid}/{size}")
    async def complete(request: Request) -> JSONResponse:
        hub.check_signature(request.scope["path"], request.query_params)
        oid, size = request.path_params["oid"], int(request.path_params["size"])
        parts = sorted((await request.json())["parts"], key=lambda part: part["partNumber"])
        with hub.storage.objects.temporary() as whole:
            for part in parts:
                path = _part(hub, oid, str(part["partNumber"]))
                if not path.exists():
                    raise HttpError(400, f"Part {part['partNumber']} is missing")
                with whole.open("ab") as target:
                    target.write(path.read_bytes())
                path.unlink()
            _adopt(hub, whole, oid, size)
        return JSONResponse({})

    async def resolve(request: Request) -> Response:
        repo = hub.open(request, "files")
        commit = repo.resolve(unquote(request.path_params["revision"]))
        path = unquote(request.path_params["path"])
        entry = commit.files.get(path)
        if entry is None:
            raise entry_not_found("Entry not found", commit.oid)
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{entry.oid}"'}
        if not entry.lfs:
            name = quote(path.rsplit("/", 1)[-1])
            headers["Content-Disposition"] = f'inline; filename="{name}";'
            content = hub.storage.objects.path(entry.sha256)
            return FileResponse(content, headers=headers, media_type="text/plain; charset=utf-8")
        # The name is in the address only so that the log and faults can distinguish files.
        address = hub.signed(hub.cdn, f"/cdn/objects/{entry.sha256}/{repo.id}/{path}")
        headers |= {"X-Linked-Etag": f'"{entry.sha256}"', "X-Linked-Size": str(entry.size)}
        return Response(status_code=302, headers={**headers, "Location": address})

    @routes.api_route("/cdn/objects/{oid}/{path:path}", methods=["GET", "HEAD"])
    async def stored(request: Request) -> Response:
        _check_storage_request(hub, request)
        oid = request.path_params["oid"]
        name = unquote(request.path_params["path"]).rsplit("/", 1)[-1]
        path = hub.storage.objects.path(oid)
        return FileResponse(path, headers={"ETag": f'"{oid}"'}, filename=name)

    for prefix in URL_PREFIXES.values():
        repo_url = f"/{prefix}{{owner}}/{{name}}"
        lfs = f"{repo_url}.git/info/lfs/objects"
        routes.add_api_route(f"{lfs}/batch", lfs_batch, methods=["POST"])
        routes.add_api_route(f"{lfs}/verify", lfs_verify, methods=["POST"])
        address = f"{repo_url}/resolve/{{revision}}/{{path:path}}"
        routes.add_api_route(address, resolve, methods=["GET", "HEAD"])
    return routes


def _split_header(lines: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if not lines or lines[0]["key"] != "header" or not lines[0]["value"].get("summary"):
        raise HttpError(400, "The first line of a commit is its header, with a summary.")
    return lines[0]["value"], lines[1:]


def _changes(
    repo: Repo, commit: Commit, operations: list[dict[str, Any]]
) -> dict[str, Entry | None]:
    """What the lines of a commit change; raises before anything in the repository changes."""
    changes: dict[str, Entry | None] = {}
    for operation in operations:
        key, value = operation["key"], operation["value"]
        path = value["path"]
        if not path or path.startswith("/") or {"..", ".git"} & set(path.split("/")):
            raise HttpError(400, f"Invalid path: {path}")
        if key == "file":
            changes[path] = _regular(repo, path, base64.b64decode(value["content"]))
        elif key == "lfsFile":
            changes[path] = _large(repo, value)
        elif key == "deletedFile":
            changes[path] = None
        elif key == "deletedFolder":
            inside = [p for p in commit.files if p.startswith(path.rstrip("/") + "/")]
            if not inside:
                raise entry_not_found(f"A folder with this name doesn't exist: {path}", commit.oid)
            changes |= dict.fromkeys(inside)
        else:
            raise HttpError(400, f"Unknown operation: {key}")
    return changes


def _regular(repo: Repo, path: str, content: bytes) -> Entry:
    if path == "README.md":
        errors, _ = problems(content.decode(), repo.type)
        if errors:
            raise HttpError(400, "\n".join(errors))
    repo.objects.put(content)
    return Entry.regular(content)


def _large(repo: Repo, value: dict[str, Any]) -> Entry:
    oid = _checked_oid(value["oid"])
    if not repo.has_lfs(oid, value.get("size")):
        raise HttpError(
            400,
            "Your push was rejected because an LFS pointer pointed to a file that does not exist: "
            f"{value['path']} (sha256 {oid})",
        )
    # A copied file comes without its size.
    return Entry.large(oid, repo.objects.path(oid).stat().st_size)


def _checked_oid(oid: str) -> str:
    if len(oid) != 64 or set(oid) - set("0123456789abcdef"):
        raise HttpError(422, f"Not a SHA-256: {oid}")
    return oid


def _upload_actions(hub: Backend, repo: Repo, oid: str, size: int) -> dict[str, Any]:
    verify = f"{hub.page(repo)}.git/info/lfs/objects/verify"
    if size <= hub.part_size:
        upload = {"href": hub.signed(hub.cdn, f"/cdn/upload/{oid}/{size}")}
    else:
        numbers = range(1, ceil(size / hub.part_size) + 1)
        parts = {str(n): hub.signed(hub.cdn, f"/cdn/parts/{oid}/{n}") for n in numbers}
        upload = {
            "href": hub.signed(hub.endpoint, f"/api/complete/{oid}/{size}"),
            "header": {"chunk_size": str(hub.part_size), **parts},
        }
    return {"upload": upload, "verify": {"href": verify}}


def _check_storage_request(hub: Backend, request: Request) -> None:
    """The file storage accepts only signed addresses and, like S3, refuses a token with them."""
    hub.check_signature(unquote(request.scope["path"]), request.query_params)
    if "authorization" in request.headers:
        raise HttpError(400, "A signed address must be used without a token.")


async def _receive(request: Request, path: Path) -> str:
    """Write the body of a request to a file and return its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as target:
        async for chunk in request.stream():
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def _adopt(hub: Backend, path: Path, oid: str, size: int) -> None:
    """Keep an uploaded file if it is the one that was announced."""
    if path.stat().st_size != size or _sha256(path) != oid:
        raise HttpError(400, f"The upload is not the announced object {oid} of {size} bytes")
    hub.storage.objects.adopt(path, oid)


def _part(hub: Backend, oid: str, number: str) -> Path:
    return hub.storage.objects.incoming / f"{oid}.{int(number)}"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1024 * 1024), b""):
            digest.update(chunk)
    return digest.hexdigest()
