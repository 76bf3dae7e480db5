"""The metadata at the top of a README.md: read, and checked by the Hub's rules where known."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.hub.storage import Commit, Repo

COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SDKS = ("gradio", "streamlit", "docker", "static")
SHORT_DESCRIPTION_LIMIT = 60
# Each key that the Hub's configuration reference of Spaces lists, and the license.
SPACE_KEYS = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "python_version", "sdk_version"),
    *("suggested_hardware", "suggested_storage", "app_file", "app_build_command", "app_port"),
    *("base_path", "fullWidth", "header", "short_description", "models", "datasets", "tags"),
    *("thumbnail", "pinned", "hf_oauth", "hf_oauth_scopes", "hf_oauth_expiration_minutes"),
    *("disable_embedding", "startup_duration_timeout", "custom_headers", "preload_from_hub"),
    "license",
}
_FRONT_MATTER = re.compile(r"\A\ufeff?---\r?\n(.*?)^---\s*$", re.DOTALL | re.MULTILINE)


def space_readme(name: str, sdk: str) -> bytes:
    """The README.md that a new Space starts with."""
    fields = {"title": name, "colorFrom": "gray", "colorTo": "gray", "sdk": sdk, "pinned": False}
    return f"---\n{yaml.safe_dump(fields, sort_keys=False)}---\n".encode()


def metadata(text: str) -> dict[str, Any] | None:
    """The YAML block as a dictionary; `None` without one. Raises `yaml.YAMLError`."""
    found = _FRONT_MATTER.match(text)
    content = yaml.safe_load(found[1]) if found else None
    return content if isinstance(content, dict) else None


def card_data(repo: Repo, commit: Commit) -> dict[str, Any]:
    """The metadata of a commit's README.md, empty where there is none that can be read."""
    entry = commit.files.get("README.md")
    if entry is None:
        return {}
    try:
        return metadata(repo.read(entry).decode()) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}


def problems(text: str, repo_type: str) -> tuple[list[str], list[str]]:
    """What the Hub would refuse in a README.md, and what it would only warn about."""
    try:
        card = metadata(text)
    except yaml.YAMLError as error:
        return [f"YAML metadata is not valid: {error}"], []
    if card is None:
        return [], ["empty or missing yaml metadata in repo card"]
    texts = ("title", "license")
    errors = [f'"{key}" must be a string' for key in texts if not _is_text(card.get(key, ""))]
    for key in ("tags", "datasets", "models", "metrics", "preload_from_hub"):
        value = card.get(key, [])
        if not _is_text(value) and not (isinstance(value, list) and all(map(_is_text, value))):
            errors.append(f'"{key}" must be an array of strings')
    if repo_type == "space":
        errors += _space_problems(card)
    if repo_type == "model":
        errors += _model_index_problems(card.get("model-index", []))
    return errors, []


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _space_problems(card: dict[str, Any]) -> list[str]:
    errors = []
    for key in ("colorFrom", "colorTo"):
        if card.get(key, "gray") not in COLORS:
            errors.append(f'"{key}" must be one of [{", ".join(COLORS)}]')
    if card.get("sdk") not in SDKS:
        errors.append(f'"sdk" must be one of [{", ".join(SDKS)}]')
    # YAML reads an unquoted 3.10 as the number 3.1.
    texts = ("sdk_version", "python_version", "short_description", "app_file", "emoji")
    for key in (*texts, "suggested_hardware", "thumbnail"):
        if not _is_text(card.get(key, "")):
            errors.append(f'"{key}" must be a string')
    if len(str(card.get("short_description", ""))) > SHORT_DESCRIPTION_LIMIT:
        errors.append(
            f'"short_description" length must be less than or equal to {SHORT_DESCRIPTION_LIMIT} '
            "characters long"
        )
    return errors


def _model_index_problems(index: object) -> list[str]:
    """Each result names its task, its dataset and at least one metric with a value."""
    try:
        for model in index:
            for result in model["results"]:
                needed = [result["task"]["type"]]
                needed += [result["dataset"]["type"], result["dataset"]["name"]]
                needed += [metric["type"] for metric in result["metrics"]]
                if not all(map(_is_text, needed)) or not result["metrics"]:
                    return ['"model-index" results need text for task, dataset and metric types']
                if any("value" not in metric for metric in result["metrics"]):
                    return ['"model-index" metrics need a value']
    except (KeyError, TypeError) as error:
        return [f'"model-index" is incomplete: {error}']
    return []
