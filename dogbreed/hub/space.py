"""Put the page on a Hugging Face Space."""

import logging
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import cast

from huggingface_hub import SpaceHardware, SpaceStage
from huggingface_hub.errors import HfHubHTTPError

from dogbreed.bundle import CARD, DEFAULT_BUNDLE, Bundle
from dogbreed.errors import HubError, UsageError
from dogbreed.examples import list_examples
from dogbreed.hub import load_bundle
from dogbreed.hub.errors import stated, translated_errors
from dogbreed.hub.gradio_space import (
    APP,
    MODEL_FOLDER,
    PACKAGE,
    REQUIREMENTS,
    ZERO_GPU,
    check_clone,
    space_files,
)
from dogbreed.hub.repo import Files, Repo, State, compare
from dogbreed.hub.static_space import static_space_files
from dogbreed.web.export import SITE, listed_files

# How the page finds its model.
MODEL_VARIABLE = "DOGBREED_MODEL"

_TAGGED_CARD = re.compile(rb"\A---\n.*?^- dogbreed$.*?^---$", re.DOTALL | re.MULTILINE)
# Options of deploy-space by which a Space costs nothing, and what each gives.
_FREE = {
    "--sdk static": "the page in the visitor's browser",
    f"--hardware {ZERO_GPU}": "the page on ZeroGPU, up to two such Spaces",
}
_WAIT_SECONDS = 15 * 60

_log = logging.getLogger("dogbreed")


def deploy_space(
    repo_id: str,
    *,
    model: str | None = None,
    bundle: str | Path | None = None,
    private: bool = False,
    sdk: str = "gradio",
    hardware: str | None = None,
    replace: bool = False,
    examples: str | Path | None = None,
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
        sdk: `gradio`, the page on a computer of the Hub, or `static`, the page in the visitor's
            browser, with a copy of the model.
        hardware: What it runs on, such as `cpu-basic`, or `zero-a10g` for ZeroGPU, which is free;
            if left out an existing Space keeps its own.
        replace: Also delete files there that are not part of this page.
        examples: Folder of photos that visitors can try, which are copied into the Space; those of
            the bundle if left out.
        token: Hub token; if left out the one of `hf auth login` or `$HF_TOKEN`.
        report: Called with a line that says what is being waited for.

    Returns:
        The address of the Space.

    Raises:
        BundleError: The model cannot be used.
        HubError: The Hub cannot be reached or refuses it, the Space does not start, or it contains
            other files and `replace` is not set.
        UsageError: Not run from a clone of the project, or the options do not go together.
    """
    if sdk == "static" and hardware is not None:
        raise UsageError("A static Space runs in the visitor's browser; leave --hardware out.")
    if sdk != "static":
        check_clone()
    served = _served_bundle(model, bundle)
    photos = list_examples(Path(examples)) if examples is not None else []
    # The client's list of hardware need not be as new as the Hub's.
    known = cast(SpaceHardware, hardware)
    space = Repo(repo_id, "space", token)
    options = {"--model": model, "--bundle": bundle, "--private": "" if private else None}
    with translated_errors(repo_id, "space"), _free_ways_named(space, options):
        if sdk == "static":
            _refuse_publishing(space, served, private)
        space.open(private=private, sdk=sdk, hardware=known)
        state = space.state()
        if not replace:
            _refuse_foreign(space, state)
        if sdk == "static":
            files = static_space_files(repo_id, served, photos)
        else:
            files = _set_up(space, served, hardware, photos)
        message = f"Page with the model {served.address or 'that is uploaded here'}"
        space.commit(compare(state, files), message)
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


def _set_up(space: Repo, served: Bundle, hardware: str | None, examples: Sequence[Path]) -> Files:
    """Give a Gradio Space its hardware and its model before the commit, so that it is built once.

    Returns:
        What it has to contain.
    """
    present = space.api.get_space_runtime(space.id).requested_hardware
    if hardware and present != hardware:
        space.api.request_space_hardware(space.id, cast(SpaceHardware, hardware))
    variable = space.api.get_space_variables(space.id).get(MODEL_VARIABLE)
    source = served.address or MODEL_FOLDER
    if variable is None or variable.value != source:
        space.api.add_space_variable(space.id, MODEL_VARIABLE, source)
    if served.repo_id and space.api.model_info(served.repo_id).private:
        _log.warning(
            "%s is private: give the Space a secret HF_TOKEN that may read it, at %s/settings.",
            served.address,
            space.page,
        )
    return space_files(space.id, served, hardware or present, examples)


def _refuse_publishing(space: Repo, served: Bundle, private: bool) -> None:
    """Make sure that a private model is not copied into a public Space.

    Raises:
        HubError: It would be.
    """
    if private or not served.repo_id or not space.api.model_info(served.repo_id).private:
        return
    info = space.find(private=False)
    if info is None or not info.private:
        raise HubError(
            f"{served.address} is private, and the Space would contain a copy of it; add "
            "--private, or name a model that is public."
        )


@contextmanager
def _free_ways_named(space: Repo, options: Mapping[str, str | Path | None]) -> Iterator[None]:
    """Within this block, say what is free when the Hub asks for money.

    Args:
        space: The Space that is deployed to.
        options: Those of the command that also belong to the free ways, None for unused ones.

    Raises:
        HubError: The Hub has answered that payment is required.
    """
    try:
        yield
    except HfHubHTTPError as error:
        if error.response.status_code != HTTPStatus.PAYMENT_REQUIRED:
            raise
        words = ["python", "-m", "dogbreed", "deploy-space", space.id]
        for name, value in options.items():
            words += [] if value is None else [name, str(value)] if value else [name]
        command = shlex.join(words)
        ways = " and ".join(f"`{command} {way}` ({what})" for way, what in _FREE.items())
        raise HubError(
            f"The Hub requires a subscription for the Space {space.id} ({stated(error)}); "
            f"free for any account: {ways}."
        ) from error


def _refuse_foreign(space: Repo, state: State) -> None:
    """Make sure that only this page is replaced; its card is marked as such."""
    is_tagged = _TAGGED_CARD.match(space.read(state, CARD) or b"") is not None
    static = listed_files(space.read(state, SITE) or b"")
    parts = {APP, REQUIREMENTS, CARD, PACKAGE.name, MODEL_FOLDER}
    parts |= {name.partition("/")[0] for name in static}

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
