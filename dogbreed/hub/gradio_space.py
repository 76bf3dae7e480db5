"""What a Gradio Space contains: the page, what it needs, the model, and how the Hub runs it."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import RepoCard, constants

from dogbreed.bundle import CARD, CONFIG, DEFAULT_BUNDLE, Bundle
from dogbreed.errors import UsageError
from dogbreed.hub.repo import Files
from dogbreed.hub.space_card import space_card
from dogbreed.subject import icon

PACKAGE = Path(__file__).parent.parent
APP = "app.py"
REQUIREMENTS = "requirements.txt"
# Where a model that is uploaded with the page is in the Space.
MODEL_FOLDER = "model"
# The hardware that is free for any account, and the app that it starts.
ZERO_GPU = "zero-a10g"
ZERO_GPU_APP = Path(__file__).parent / "zero_gpu_app.py"
# ZeroGPU has a few versions of Python, each named in full.
_ZERO_GPU_PYTHON = "3.12.12"
_DEFAULT_HARDWARE = "cpu-basic"
# A Space is an MCP server too, so it installs what that needs.
_NEEDED = ("requirements-serve.txt", "requirements-mcp.txt")
_NEEDED_ON_ZERO_GPU = "requirements-zerogpu.txt"
# Where the page looks for photos that visitors can try.
_EXAMPLES = "dogbreed/page/static/examples"

# What of the package is uploaded. Its folder may also contain what nobody else should see.
_UPLOADED = ("**/*.py", "page/locales/**/*.json", "page/static/**/*")
_SUFFIXES = {".css", ".html", ".ico", ".jpg", ".js", ".json", ".png", ".py", ".svg", ".webp"}
_LEFT_OUT = {"train", "web", DEFAULT_BUNDLE.name}


def check_clone() -> None:
    """Make sure that what a Space needs is next to the package.

    Raises:
        UsageError: It is not.
    """
    names = (APP, *_NEEDED, _NEEDED_ON_ZERO_GPU)
    missing = [name for name in names if not (PACKAGE.parent / name).is_file()]
    if missing:
        raise UsageError(
            f"There is no {missing[0]} next to the package {PACKAGE}; deploy from a clone of the "
            "project."
        )


def space_files(
    repo_id: str,
    served: Bundle,
    hardware: str | None = None,
    examples: Sequence[Path] = (),
) -> Files:
    """Everything that the Space contains.

    Args:
        repo_id: `user/space`.
        served: The model; it is among the files unless the Space loads it from the Hub.
        hardware: What the Space runs on; None for the smallest.
        examples: Photos that visitors can try.

    Raises:
        UsageError: The app is not next to the package.
    """
    check_clone()
    root, zero = PACKAGE.parent, hardware == ZERO_GPU
    needed = (*_NEEDED, _NEEDED_ON_ZERO_GPU) if zero else _NEEDED
    files: Files = {
        APP: ZERO_GPU_APP if zero else root / APP,
        REQUIREMENTS: b"".join((root / name).read_bytes() for name in needed),
        CARD: str(gradio_space_card(repo_id, served, hardware)).encode(),
    }
    for path in _package_files():
        files[f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}"] = path
    for path in examples:
        files[f"{_EXAMPLES}/{path.name}"] = path
    if served.address is None:
        for name in (CONFIG, *served.served):
            files[f"{MODEL_FOLDER}/{name}"] = served.path / name
    return files


def _package_files() -> list[Path]:
    """The files of the package that serving needs, and nothing else that lies there."""
    found = {path for pattern in _UPLOADED for path in PACKAGE.glob(pattern)}

    def is_left_out(path: Path) -> bool:
        parts = path.relative_to(PACKAGE).parts
        return any(part in _LEFT_OUT or part.startswith(".") for part in parts)

    return sorted(
        path
        for path in found
        if path.suffix in _SUFFIXES and path.is_file() and not is_left_out(path)
    )


def gradio_space_card(repo_id: str, served: Bundle, hardware: str | None = None) -> RepoCard:
    """The README of the Space.

    Args:
        repo_id, served, hardware: See `space_files`.
    """
    model = served.repo_id
    needed = ",".join((CONFIG, *served.served))
    local = ".".join(platform.python_version_tuple()[:2])
    origin = f"[{served.address}]({constants.ENDPOINT}/{model})" if model else "in this Space"
    return space_card(
        repo_id,
        served,
        text="Upload a photo and get the three most probable of "
        f"{len(served.labels)} classes. The model is {origin}.\n\n"
        "Programs can ask too: by `curl -F photo=@photo.jpg` at `/api/predict`, or as MCP clients; "
        "the tab for programs shows how.",
        thumbnail=icon(served.subject).relative_to(PACKAGE.parent).as_posix(),
        tags=["mcp-server"],
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=_ZERO_GPU_PYTHON if hardware == ZERO_GPU else local,
        suggested_hardware=hardware or _DEFAULT_HARDWARE,
        app_file=APP,
        preload_from_hub=[f"{model} {needed} {served.commit}"] if model else None,
    )
