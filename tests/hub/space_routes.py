"""Routes of Spaces: variables, secrets, hardware, and a runtime that builds for a while."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from tests.hub.backend import Backend
from tests.hub.cards import SDKS, card_data
from tests.hub.errors import HttpError
from tests.hub.storage import Repo, now

# name: (shown as, CPU, memory, millionths of a dollar per minute)
HARDWARE = {
    "cpu-basic": ("CPU Basic", "2 vCPU", "16 GB", 0),
    "cpu-upgrade": ("CPU Upgrade", "8 vCPU", "32 GB", 500),
    "zero-a10g": ("ZeroGPU", "shared", "shared", 0),
    "t4-small": ("Nvidia T4 - small", "4 vCPU", "15 GB", 6667),
}


def new_space(repo: Repo, payload: dict[str, Any], build_polls: int) -> None:
    """Store the settings in the request that creates a Space."""
    with repo.edit() as state:
        state["space"] = {
            "sdk": payload["sdk"],
            "hardware": _known(payload.get("hardware") or "cpu-basic"),
            "sleep_time": payload.get("sleepTimeSeconds"),
            "variables": {v["key"]: _setting(v) for v in payload.get("variables") or []},
            "secrets": {v["key"]: _setting(v) for v in payload.get("secrets") or []},
            "polls_left": build_polls,
            "paused": False,
            "outcome": "RUNNING",
            "error": None,
        }


def rebuild(repo: Repo, build_polls: int) -> None:
    """A Space is built again after each commit and each change of its settings."""
    with repo.edit() as state:
        state["space"]["polls_left"] = build_polls
        state["space"]["paused"] = False


def _known(hardware: str) -> str:
    if hardware not in HARDWARE:
        raise HttpError(400, f"Invalid hardware flavor: {hardware}")
    return hardware


def _setting(payload: dict[str, Any]) -> dict[str, Any]:
    fields = {"value": payload["value"], "updatedAt": now()}
    if "description" in payload:
        fields["description"] = payload["description"]
    return fields


def runtime(repo: Repo) -> dict[str, Any]:
    """The state of a Space as the Hub describes it; asking for it is what advances a build."""
    stage = _stage(repo)
    space = repo.state["space"]
    running = stage == "RUNNING"
    body: dict[str, Any] = {
        "stage": stage,
        "hardware": {
            "current": space["hardware"] if running else None,
            "requested": space["hardware"],
        },
        "storage": None,
        "gcTimeout": space["sleep_time"] or 172800,
        "replicas": {"current": int(running), "requested": 1},
        "sha": repo.resolve("main").oid,
    }
    if space["error"] and not running:
        body["errorMessage"] = space["error"]
    return body


def _stage(repo: Repo) -> str:
    """The stage of the Space; asking for it advances a build by one step."""
    with repo.edit() as state:
        space = state["space"]
        commit = repo.load_commit(state["branches"]["main"])
        card = card_data(repo, commit)
        sdk = card.get("sdk")
        default = {"static": "index.html", "docker": "Dockerfile"}.get(sdk, "app.py")
        if space["paused"]:
            return "PAUSED"
        if sdk not in SDKS:
            return "CONFIG_ERROR"
        if card.get("app_file", default) not in commit.files:
            return "NO_APP_FILE"
        if space["polls_left"] > 0:
            space["polls_left"] -= 1
            return "BUILDING"
        return space["outcome"]


def space_routes(hub: Backend) -> APIRouter:
    """Everything below /api/spaces that other repositories do not have."""
    routes = APIRouter()
    base = "/api/spaces/{owner}/{name}"

    def group_routes(group: str, public: bool) -> None:
        def shown(repo: Repo) -> JSONResponse:
            fields = ["updatedAt", "description"] + (["value"] if public else [])
            settings = repo.state["space"][group]
            return JSONResponse(
                {key: {f: s[f] for f in fields if f in s} for key, s in settings.items()}
            )

        @routes.get(f"{base}/{group}")
        async def read(request: Request) -> JSONResponse:
            return shown(hub.open(request, "info" if public else "write"))

        @routes.post(f"{base}/{group}")
        async def add(request: Request) -> JSONResponse:
            repo = hub.open(request, "write")
            payload = await request.json()
            with repo.edit() as state:
                state["space"][group][payload["key"]] = _setting(payload)
            rebuild(repo, hub.build_polls)
            return shown(repo)

        @routes.delete(f"{base}/{group}")
        async def remove(request: Request) -> JSONResponse:
            repo = hub.open(request, "write")
            payload = await request.json()
            with repo.edit() as state:
                state["space"][group].pop(payload["key"], None)
            rebuild(repo, hub.build_polls)
            return shown(repo)

    group_routes("variables", public=True)
    group_routes("secrets", public=False)

    @routes.get("/api/spaces/hardware")
    async def hardware_list() -> JSONResponse:
        return JSONResponse(
            [
                {
                    "name": name,
                    "prettyName": pretty,
                    "cpu": cpu,
                    "ram": ram,
                    "unitCostMicroUSD": cost,
                    "unitCostUSD": cost / 1e6,
                    "unitLabel": "minute",
                }
                for name, (pretty, cpu, ram, cost) in HARDWARE.items()
            ]
        )

    @routes.get(base + "/runtime")
    async def read_runtime(request: Request) -> JSONResponse:
        return JSONResponse(runtime(hub.open(request, "info")))

    @routes.get(base + "/logs/{kind}")
    async def logs(request: Request) -> Response:
        error = hub.open(request, "write").state["space"]["error"] or ""
        # The client drops lines newer than the Date header, which lags behind by a second.
        timestamp = "2000-01-01T00:00:00.000Z"
        events = [{"data": f"{line}\n", "timestamp": timestamp} for line in error.splitlines()]
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return Response(body, media_type="text/event-stream")

    @routes.post(base + "/hardware")
    async def hardware(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        payload = await request.json()
        with repo.edit() as state:
            state["space"]["hardware"] = _known(payload["flavor"])
            state["space"]["sleep_time"] = payload.get("sleepTimeSeconds")
        rebuild(repo, hub.build_polls)
        return JSONResponse(runtime(repo))

    @routes.post(base + "/sleeptime")
    async def sleep_time(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        payload = await request.json()
        with repo.edit() as state:
            state["space"]["sleep_time"] = payload["seconds"]
        return JSONResponse(runtime(repo))

    @routes.post(base + "/pause")
    async def pause(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        with repo.edit() as state:
            state["space"]["paused"] = True
        return JSONResponse(runtime(repo))

    @routes.post(base + "/restart")
    async def restart(request: Request) -> JSONResponse:
        repo = hub.open(request, "write")
        rebuild(repo, hub.build_polls)
        return JSONResponse(runtime(repo))

    return routes
