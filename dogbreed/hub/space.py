"""Put the page on a Hugging Face Space."""

import logging
import platform
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import cast

from huggingface_hub import RepoCard, SpaceCardData, SpaceHardware, SpaceStage, constants

from dogbreed.bundle import CARD, CONFIG, DEFAULT_BUNDLE, Bundle
from dogbreed.errors import HubError, UsageError
from dogbreed.hub import load_bundle
from dogbreed.hub.errors import translated_errors
from dogbreed.hub.repo import Files, Repo, State, compare

PACKAGE = Path(__file__).parent.parent
APP = "app.py"
REQUIREMENTS = "requirements-serve.txt"
# Where a model that is uploaded with the page is in the Space, and how the page finds its model.
MODEL_FOLDER = "model"
MODEL_VARIABLE = "DOGBREED_MODEL"

# What of the package is uploaded. Its folder may also contain what nobody else should see.
_UPLOADED = ("**/*.py", "page/locales/*.json", "page/static/**/*")
_SUFFIXES = {".css", ".html", ".ico", ".jpg", ".js", ".json", ".png", ".py", ".svg", ".webp"}
_LEFT_OUT = {"train", DEFAULT_BUNDLE.name}
# In the card of each Space that contains this page.
_TAG = "dogbreed"
_TAGGED_CARD = re.compile(rb"\A---\n.*?^- dogbreed$.*?^---$", re.DOTALL | re.MULTILINE)
_WAIT_SECONDS = 15 * 60

_log = logging.getLogger("dogbreed")


def deploy_space(
    repo_id: str,
    *,
    model: str | None = None,
    bundle: str | Path | None = None,
    private: bool = False,
    hardware: str | None = None,
    replace: bool = False,
    token: str | None = None,
    report: Callable[[str], None] = _log.info,
) -> str:
    """Make a Space contain the page, in one commit, and wait until it runs.

    Deploying the same again makes no commit.

    Args:
        repo_id: `user/space`; it is created if needed.
        model: `user/name` or `user/name@revision`: the Space loads it from the Hub.
        bundle: Folder of a bundle that is uploaded with the page; the one that comes with the
            package if both are left out.
        private: Visible only to its owner; an existing Space is never changed.
        hardware: What it runs on, such as `cpu-basic`; if left out an existing Space keeps its own.
        replace: Also delete files there that are not part of this page.
        token: Hub token; if left out the one of `hf auth login` or `$HF_TOKEN`.
        report: Called with a line that says what is being waited for.

    Returns:
        The address of the Space.

    Raises:
        BundleError: The model cannot be used.
        HubError: The Hub cannot be reached or refuses it, the Space does not start, or it contains
            other files and `replace` is not set.
        UsageError: Not run from a clone of the project, or both a model and a bundle are named.
    """
    served = _served_bundle(model, bundle)
    files = space_files(repo_id, served)
    # The client's list of hardware need not be as new as the Hub's.
    known = cast(SpaceHardware, hardware)
    space = Repo(repo_id, "space", token)
    with translated_errors(repo_id, "space"):
        space.open(private=private, hardware=known)
        state = space.state()
        if not replace:
            _refuse_foreign(space, state)
        # Before the commit, so that the Space is built once.
        if hardware and space.api.get_space_runtime(repo_id).requested_hardware != hardware:
            space.api.request_space_hardware(repo_id, known)
        variable = space.api.get_space_variables(repo_id).get(MODEL_VARIABLE)
        source = served.address or MODEL_FOLDER
        if variable is None or variable.value != source:
            space.api.add_space_variable(repo_id, MODEL_VARIABLE, source)
        message = f"Page with the model {served.address or 'that is uploaded here'}"
        space.commit(compare(state, files), message)
        if served.repo_id and space.api.model_info(served.repo_id).private:
            _log.warning(
                "%s is private: give the Space a secret HF_TOKEN that may read it, at %s/settings.",
                served.address,
                space.page,
            )
        report(f"Waiting for {space.page} to start …")
        _wait(space)
    return space.page


def _served_bundle(model: str | None, bundle: str | Path | None) -> Bundle:
    """The model that the Space will serve, checked."""
    if model is not None and bundle is not None:
        raise UsageError("Name the Space's model with --model or with --bundle, not with both.")
    if model is None:
        return load_bundle(Path(bundle or DEFAULT_BUNDLE))
    served = load_bundle(model)
    if served.address is None:
        raise UsageError(f"{model} is a folder; name it with --bundle.")
    return served


def space_files(repo_id: str, served: Bundle) -> Files:
    """Everything that the Space contains.

    Args:
        repo_id: `user/space`.
        served: The model; it is among the files unless the Space loads it from the Hub.

    Raises:
        UsageError: The app is not next to the package.
    """
    root = PACKAGE.parent
    if not (root / APP).is_file() or not (root / REQUIREMENTS).is_file():
        raise UsageError(
            f"There is no {APP} next to the package {PACKAGE}; deploy from a clone of the project."
        )
    files: Files = {
        APP: root / APP,
        "requirements.txt": root / REQUIREMENTS,
        CARD: str(space_card(repo_id, served)).encode(),
    }
    for path in _package_files():
        files[f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}"] = path
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


def space_card(repo_id: str, served: Bundle) -> RepoCard:
    """The README of the Space; its metadata say how the Hub has to run it."""
    model = served.repo_id
    needed = ",".join((CONFIG, *served.served))
    data = SpaceCardData(
        title="Dog breeds",
        emoji="🐕",
        colorFrom="yellow",
        colorTo="green",
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=".".join(platform.python_version_tuple()[:2]),
        app_file=APP,
        license="apache-2.0",
        tags=[_TAG],
        short_description="Names the breed of the dog in a photo",
        models=[model] if model else None,
        preload_from_hub=[f"{model} {needed} {served.commit}"] if model else None,
    )
    origin = f"[{served.address}]({constants.ENDPOINT}/{model})" if model else "in this Space"
    return RepoCard(
        f"---\n{data.to_yaml()}\n---\n\n# {repo_id.split('/')[-1]}\n\n"
        f"Which breed is this dog? Upload a photo and get the three most probable of "
        f"{len(served.labels)} classes. The model is {origin}.\n"
    )


def _refuse_foreign(space: Repo, state: State) -> None:
    """Make sure that only this page is replaced; its card is marked as such."""
    is_tagged = _TAGGED_CARD.match(space.read(state, CARD) or b"") is not None
    parts = {APP, "requirements.txt", CARD, PACKAGE.name, MODEL_FOLDER}

    def is_ours(path: str) -> bool:
        return is_tagged and path.partition("/")[0] in parts

    space.refuse_foreign(state, is_ours, "this page")


def _wait(space: Repo) -> None:
    """Wait until the Space runs.

    Raises:
        HubError: It does not.
    """
    try:
        runtime = space.api.wait_for_space(space.id, timeout=_WAIT_SECONDS, poll_interval=2)
    except TimeoutError as error:
        raise HubError(
            f"The Space {space.id} has not started within {_WAIT_SECONDS // 60} minutes; see its "
            f"logs at {space.page}?logs=build."
        ) from error
    if runtime.stage != SpaceStage.RUNNING:
        reason = runtime.raw.get("errorMessage") or "no reason given"
        raise HubError(
            f"The Space {space.id} does not run: {runtime.stage} ({reason.splitlines()[0]}); see "
            f"its logs at {space.page}?logs={'build' if 'BUILD' in runtime.stage else 'container'}."
        )
