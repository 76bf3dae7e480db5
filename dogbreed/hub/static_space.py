"""What a static Space contains: the page that answers in the visitor's browser, with its model."""

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import RepoCard, constants

from dogbreed.bundle import CARD, Bundle
from dogbreed.hub.repo import Files
from dogbreed.hub.space_card import space_card
from dogbreed.web.export import site_files

# They isolate the page from others; only then may it use several threads.
_HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "cross-origin",
}
_THUMBNAIL = "icon.png"


def static_space_files(repo_id: str, served: Bundle, examples: Sequence[Path] = ()) -> Files:
    """Everything that the Space contains.

    Args:
        repo_id: `user/space`.
        served: The model, which is always among the files.
        examples: See `site_files`.

    Raises:
        BundleError: The network cannot be loaded or does not fit the config.
        UsageError: npm delivers another version of LiteRT.js.
    """
    return {**site_files(served, examples), CARD: str(static_space_card(repo_id, served)).encode()}


def static_space_card(repo_id: str, served: Bundle) -> RepoCard:
    """The README of the Space.

    Args:
        repo_id, served: See `static_space_files`.
    """
    address = f"{constants.ENDPOINT}/{served.repo_id}"
    origin = f"a copy of [{served.address}]({address})" if served.repo_id else "in `model/`"
    return space_card(
        repo_id,
        served,
        where=", in your browser",
        text="Choose a photo and get the three most probable of "
        f"{len(served.labels)} classes. The answer is computed in your browser, and no photo "
        f"leaves your device. The model is {origin}; it runs on LiteRT.js (Apache-2.0).",
        thumbnail=_THUMBNAIL,
        tags=["litert"],
        sdk="static",
        app_file="index.html",
        custom_headers=_HEADERS,
    )
