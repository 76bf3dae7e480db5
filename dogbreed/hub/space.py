"""Put the page on a Hugging Face Space."""

import logging
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import HfApi, RepoCard, SpaceCardData, SpaceRuntime, SpaceStage, constants

from dogbreed.bundle import CONFIG, DEFAULT_BUNDLE, Bundle
from dogbreed.errors import HubError, UsageError
from dogbreed.hub import load_bundle
from dogbreed.hub.errors import told_plainly
from dogbreed.hub.push import Files, commit, compare, open_repo

PACKAGE = Path(__file__).parent.parent
APP = "app.py"
REQUIREMENTS = "requirements-serve.txt"
# Where the Space has a model that comes with it, and how the app is told.
MODEL_FOLDER = "model"
MODEL_VARIABLE = "DOGBREED_MODEL"

_LEFT_OUT = {"train", DEFAULT_BUNDLE.name, "__pycache__"}
_WAIT_SECONDS = 15 * 60

_log = logging.getLogger("dogbreed")


def deploy_space(
    repo_id: str,
    *,
    model: str | None = None,
    bundle: str | Path | None = None,
    private: bool = False,
    hardware: str | None = None,
    token: str | None = None,
    tell: Callable[[str], None] = _log.info,
) -> str:
    """Make a Space hold the page and run it, in one commit; deploying the same makes none.

    Args:
        repo_id: `user/space`; it is created if needed.
        model: `user/name` or `user/name@revision`: the Space loads it from the Hub.
        bundle: Folder of a bundle that goes into the Space; the one that ships if both are left
            out.
        private: Only its owner may see it.
        hardware: What it runs on, such as `cpu-basic`; if left out an existing Space keeps its own.
        token: Hub token; if left out the one of `hf auth login` or `$HF_TOKEN`.
        tell: Is given a line on what is being waited for.

    Returns:
        The address of the Space.

    Raises:
        BundleError: The model cannot be used.
        HubError: The Hub cannot be reached or refuses it, or the Space does not start.
        UsageError: This is not run from a clone of the project.
    """
    if model is not None and bundle is not None:
        raise UsageError("Name the Space's model with --model or with --bundle, not with both.")
    if model is None:
        served = load_bundle(Path(bundle or DEFAULT_BUNDLE))
    else:
        served = load_bundle(model)
        if served.address is None:
            raise UsageError(f"{model} is a folder; give it with --bundle.")
    files = space_files(repo_id, served)
    variable = served.address or MODEL_FOLDER

    api = HfApi(token=token, library_name="dogbreed")
    where = {"repo_type": "space"}
    with told_plainly(repo_id, "space"):
        page = open_repo(
            api, repo_id, **where, private=private, space_sdk="gradio", space_hardware=hardware
        )
        # Before the commit, so that the Space is built once.
        if hardware and api.get_space_runtime(repo_id).requested_hardware != hardware:
            api.request_space_hardware(repo_id, hardware)
        present = api.get_space_variables(repo_id).get(MODEL_VARIABLE)
        if present is None or present.value != variable:
            api.add_space_variable(repo_id, MODEL_VARIABLE, variable)
        change = compare(api, repo_id, files, **where)
        commit(
            api, repo_id, change, f"Page with the model {served.address or 'beside it'}", **where
        )
        if served.address and api.model_info(_repo_of(served)).private:
            _log.warning(
                "%s is private: give the Space a secret HF_TOKEN that may read it, at %s/settings.",
                served.address,
                page,
            )
        tell(f"Waiting for {page} to start …")
        runtime = _wait(api, repo_id, page)
    if runtime.stage != SpaceStage.RUNNING:
        said = runtime.raw.get("errorMessage") or "no reason given"
        raise HubError(
            f"The Space {repo_id} does not run: {runtime.stage} ({said.splitlines()[0]}); "
            f"its logs are at {page}?logs={'build' if 'BUILD' in runtime.stage else 'container'}."
        )
    return page


def space_files(repo_id: str, served: Bundle) -> Files:
    """Everything that the Space holds.

    Raises:
        UsageError: The app is not beside the package.
    """
    root = PACKAGE.parent
    if not (root / APP).is_file() or not (root / REQUIREMENTS).is_file():
        raise UsageError(
            f"There is no {APP} beside the package {PACKAGE}; deploy from a clone of the project."
        )
    files: Files = {
        APP: root / APP,
        "requirements.txt": root / REQUIREMENTS,
        "README.md": str(space_card(repo_id, served)).encode(),
    }
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        if path.is_file() and _LEFT_OUT.isdisjoint(inside.parts):
            files[f"{PACKAGE.name}/{inside.as_posix()}"] = path
    if served.address is None:
        for name in (CONFIG, *served.served):
            files[f"{MODEL_FOLDER}/{name}"] = served.path / name
    return files


def space_card(repo_id: str, served: Bundle) -> RepoCard:
    """The README of the Space, whose metadata tell the Hub how to run it."""
    model = _repo_of(served)
    needed = ",".join((CONFIG, *served.served))
    preload = [f"{model} {needed} {served.commit}"] if model else None
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
        short_description="Names the breed of the dog in a photo",
        models=[model] if model else None,
        preload_from_hub=preload,
    )
    origin = f"[{served.address}]({constants.ENDPOINT}/{model})" if model else "in this Space"
    return RepoCard(
        f"---\n{data.to_yaml()}\n---\n\n# {repo_id.split('/')[-1]}\n\n"
        f"Which breed is this dog? Upload a photo and get the three most probable of "
        f"{len(served.labels)} classes. The model is {origin}.\n"
    )


def _repo_of(served: Bundle) -> str | None:
    return served.address.partition("@")[0] if served.address else None


def _wait(api: HfApi, repo_id: str, page: str) -> SpaceRuntime:
    try:
        return api.wait_for_space(repo_id, timeout=_WAIT_SECONDS, poll_interval=2)
    except TimeoutError as error:
        raise HubError(
            f"The Space {repo_id} has not started in {_WAIT_SECONDS // 60} minutes; "
            f"its logs are at {page}?logs=build."
        ) from error
