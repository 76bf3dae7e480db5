"""Routes about repositories as a whole: who am I, create and settings, information, branches."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, unquote

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from tests.hub.accounts import check_create, check_plan, check_write, may_see
from tests.hub.backend import TYPES, Backend, flag
from tests.hub.cards import SDKS, problems, space_readme
from tests.hub.errors import HttpError, entry_not_found, repo_not_found, revision_not_found
from tests.hub.info import add_last_commits, path_item, repo_info, tree
from tests.hub.space_routes import new_space, runtime
from tests.hub.storage import Repo

REPO_NAME = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9_]([\w.-]{0,94}[A-Za-z0-9_])?")
LISTED = ("_id", "id", "author", "sha", "createdAt", "lastModified", "private", "gated", "likes")
LISTED += ("downloads", "tags", "modelId", "library_name", "pipeline_tag", "sdk")


def repo_routes(hub: Backend) -> APIRouter:
    """Everything that concerns a repository but not the bytes of its files."""
    routes = APIRouter()
    base = "/api/{kind}/{owner}/{name}"

    @routes.get("/api/whoami-v2")
    async def whoami(request: Request) -> JSONResponse:
        token = hub.token(request)
        if token is None:
            raise HttpError(401, "Invalid username or password.")
        user, *organizations = token.namespaces
        role = {"displayName": "tests", "role": "write" if token.write else "read"}
        return JSONResponse(
            {
                "type": "user",
                "id": hashlib.sha1(user.encode()).hexdigest()[:24],
                "name": user,
                "fullname": user,
                "email": f"{user}@example.com",
                "emailVerified": True,
                "isPro": False,
                "orgs": [{"type": "org", "name": name} for name in organizations],
                "auth": {"type": "access_token", "accessToken": role},
            }
        )

    @routes.get("/api/agent-harnesses")
    async def agent_harnesses() -> JSONResponse:
        return JSONResponse({"standardEnvVars": [], "harnesses": {}})

    @routes.post("/api/validate-yaml")
    async def validate_yaml(request: Request) -> JSONResponse:
        payload = await request.json()
        errors, warnings = problems(payload["content"], payload["repoType"])
        body = {
            "errors": [{"message": text} for text in errors],
            "warnings": [{"message": text} for text in warnings],
        }
        return JSONResponse(body, 400 if errors else 200)

    @routes.post("/api/repos/create")
    async def create(request: Request) -> JSONResponse:
        payload = await request.json()
        token = hub.token(request)
        repo_type = payload.get("type", "model")
        owner = payload.get("organization") or (token.user if token else "")
        token = check_create(token, repo_type, owner)
        if not REPO_NAME.fullmatch(payload["name"]):
            raise HttpError(400, f"Invalid repository name: {payload['name']}")
        repo_id = f"{owner}/{payload['name']}"
        existing = hub.storage.find(repo_type, repo_id)
        if existing is not None:
            message = f"You already created this {repo_type} repo: {repo_id}"
            raise HttpError(409, message, url=hub.page(existing))
        readme = None
        if repo_type == "space":
            if payload.get("sdk") not in SDKS:
                raise HttpError(400, f"Invalid sdk, expected one of {', '.join(SDKS)}")
            check_plan(token, payload["sdk"], payload.get("hardware") or "cpu-basic")
            readme = space_readme(payload["name"], payload["sdk"])
        private = payload.get("visibility") == "private"
        repo = hub.storage.create(repo_type, repo_id, private, readme)
        if repo_type == "space":
            new_space(repo, payload, hub.build_polls)
        return JSONResponse({"url": hub.page(repo), "name": repo_id})

    @routes.delete("/api/repos/delete")
    async def delete(request: Request) -> JSONResponse:
        payload = await request.json()
        token = hub.token(request)
        repo_type = payload.get("type", "model")
        owner = payload.get("organization") or (token.user if token else "")
        repo = hub.storage.find(repo_type, f"{owner}/{payload['name']}")
        if repo is None or not may_see(token, repo):
            raise repo_not_found(signed_in=token is not None)
        check_write(token, repo)
        hub.storage.delete(repo)
        return JSONResponse({})

    @routes.get("/api/{kind}")
    async def listing(request: Request) -> JSONResponse:
        query = request.query_params
        repo_type = TYPES.get(request.path_params["kind"])
        if repo_type is None:
            raise HTTPException(404)
        token = hub.token(request)
        searched = [text.lower() for text in query.getlist("search")]
        found = []
        for repo in hub.storage.list(repo_type):
            if query.get("author") not in (None, repo.owner) or not may_see(token, repo):
                continue
            info = repo_info(repo, repo.resolve("main"))
            wanted = query.getlist("filter") + query.getlist("pipeline_tag")
            if set(wanted) <= set(info["tags"]) and all(s in repo.id.lower() for s in searched):
                found.append(info)
        if query.get("sort") in ("lastModified", "createdAt"):
            found.sort(key=lambda info: info[query["sort"]], reverse=True)
        if not flag(query.get("full")):
            keys = set(LISTED) | set(query.getlist("expand"))
            keys |= {"cardData"} if flag(query.get("cardData")) else set()
            found = [{k: v for k, v in info.items() if k in keys} for info in found]
        return hub.paged(request, found, int(query.get("limit", hub.page_size)))

    @routes.get(base)
    @routes.get(base + "/revision/{revision}")
    async def info(request: Request) -> JSONResponse:
        repo = hub.open(request, "info")
        commit = repo.resolve(_revision(request))
        body = repo_info(repo, commit, blobs=flag(request.query_params.get("blobs")))
        if repo.type == "space":
            body["runtime"] = runtime(repo)
        expand = request.query_params.getlist("expand")
        if expand:
            body = {key: body.get(key) for key in ("_id", "id", *expand)}
        return JSONResponse(body)

    @routes.get(base + "/auth-check")
    async def may_read(request: Request) -> JSONResponse:
        hub.open(request, "files")
        return JSONResponse({})

    @routes.get(base + "/auth-check/write")
    async def may_write(request: Request) -> JSONResponse:
        hub.open(request, "write")
        return JSONResponse({})

    @routes.put(base + "/settings")
    async def settings(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        payload = await request.json()
        with repo.edit() as state:
            if "visibility" in payload:
                state["private"] = payload["visibility"] == "private"
            if "gated" in payload:
                state["gated"] = payload["gated"]
        return JSONResponse({})

    @routes.get(base + "/tree/{revision}")
    @routes.get(base + "/tree/{revision}/{path:path}")
    async def list_tree(request: Request) -> JSONResponse:
        repo = hub.open(request, "info")
        commit = repo.resolve(_revision(request))
        folder = unquote(request.path_params.get("path", "")).strip("/")
        items = tree(commit, folder, flag(request.query_params.get("recursive")))
        if items is None:
            raise entry_not_found(f"{folder} does not exist on {commit.oid}", commit.oid)
        if flag(request.query_params.get("expand")):
            add_last_commits(items, repo.history(commit.oid))
        return hub.paged(request, items)

    @routes.post(base + "/paths-info/{revision}")
    async def paths_info(request: Request) -> JSONResponse:
        repo = hub.open(request, "info")
        commit = repo.resolve(_revision(request))
        form = parse_qs((await request.body()).decode())
        found = [path_item(commit, path.strip("/")) for path in form.get("paths", [])]
        items = [item for item in found if item is not None]
        if flag(form.get("expand", [""])[0]):
            add_last_commits(items, repo.history(commit.oid))
        return JSONResponse(items)

    @routes.get(base + "/commits/{revision}")
    async def commits(request: Request) -> JSONResponse:
        repo = hub.open(request, "info")
        history = repo.history(_revision(request))
        items = [
            {
                "id": commit.oid,
                "title": commit.title,
                "message": commit.message,
                "authors": [{"user": commit.author}],
                "date": commit.date,
            }
            for commit in history
        ]
        return hub.paged(request, items)

    @routes.get(base + "/refs")
    async def refs(request: Request) -> JSONResponse:
        state = hub.open(request, "info").state
        body: dict[str, Any] = {
            "branches": _refs("refs/heads", state["branches"]),
            "tags": _refs("refs/tags", state["tags"]),
            "converts": [],
        }
        if flag(request.query_params.get("include_prs")):
            body["pullRequests"] = []
        return JSONResponse(body)

    @routes.post(base + "/branch/{revision}")
    async def create_branch(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        start = (await request.json()).get("startingPoint", "main")
        branch = _revision(request)
        if branch.startswith("refs/"):
            raise HttpError(400, f"Invalid reference for a branch: {branch}")
        _add_ref(repo, "branches", branch, start)
        return JSONResponse({})

    @routes.delete(base + "/branch/{revision}")
    async def delete_branch(request: Request) -> JSONResponse:
        if _revision(request) == "main":
            raise HttpError(403, "The default branch cannot be deleted.")
        _remove_ref(hub.open(request, "write"), "branches", _revision(request))
        return JSONResponse({})

    @routes.post(base + "/tag/{revision}")
    async def create_tag(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        _add_ref(repo, "tags", (await request.json())["tag"], _revision(request))
        return JSONResponse({})

    @routes.delete(base + "/tag/{revision}")
    async def delete_tag(request: Request) -> JSONResponse:
        _remove_ref(hub.open(request, "write"), "tags", _revision(request))
        return JSONResponse({})

    return routes


def _revision(request: Request) -> str:
    return unquote(request.path_params.get("revision", "main"))


def _refs(prefix: str, refs: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": n, "ref": f"{prefix}/{n}", "targetCommit": oid} for n, oid in refs.items()]


def _add_ref(repo: Repo, group: str, name: str, revision: str) -> None:
    oid = repo.resolve(revision).oid
    with repo.edit() as state:
        if name in state[group]:
            raise HttpError(409, f"Reference already exists: {name}")
        state[group][name] = oid


def _remove_ref(repo: Repo, group: str, name: str) -> None:
    with repo.edit() as state:
        if state[group].pop(name, None) is None:
            raise revision_not_found(name)
