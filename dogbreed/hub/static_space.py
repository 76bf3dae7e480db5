"""What a static Space contains: the page that answers in the visitor's browser, with its model."""

from huggingface_hub import RepoCard, SpaceCardData, constants

from dogbreed.bundle import CARD, Bundle
from dogbreed.hub.gradio_space import TAG
from dogbreed.hub.repo import Files
from dogbreed.web.export import site_files

# They isolate the page from others; only then may it use several threads.
_HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "cross-origin",
}
_THUMBNAIL = "icon.png"


def static_space_files(repo_id: str, served: Bundle) -> Files:
    """Everything that the Space contains.

    Args:
        repo_id: `user/space`.
        served: The model, which is always among the files.

    Raises:
        BundleError: The network cannot be loaded or does not fit the config.
        UsageError: npm delivers another version of LiteRT.js.
    """
    return {**site_files(served), CARD: str(static_space_card(repo_id, served)).encode()}


def static_space_card(repo_id: str, served: Bundle) -> RepoCard:
    """The README of the Space; its metadata say how the Hub has to serve it.

    Args:
        repo_id, served: See `static_space_files`.
    """
    model, dataset = served.repo_id, served.config["training"].get("dataset")
    data = SpaceCardData(
        title="Dog breeds",
        emoji="🐕",
        colorFrom="yellow",
        colorTo="green",
        sdk="static",
        app_file="index.html",
        license="apache-2.0",
        tags=[TAG, "image-classification", "litert"],
        short_description="Names the breed of the dog in a photo, in your browser",
        thumbnail=f"{constants.ENDPOINT}/spaces/{repo_id}/resolve/main/{_THUMBNAIL}",
        models=[model] if model else None,
        # A folder of photos has no page on the Hub.
        datasets=[dataset] if dataset and "/" in dataset else None,
        custom_headers=_HEADERS,
    )
    origin = f"a copy of [{served.address}]({constants.ENDPOINT}/{model})"
    return RepoCard(
        f"---\n{data.to_yaml()}\n---\n\n# {repo_id.split('/')[-1]}\n\n"
        "Which breed is this dog? Choose a photo and get the three most probable of "
        f"{len(served.labels)} classes. The answer is computed in your browser, and no photo "
        f"leaves your device. The model is {origin if model else 'in `model/`'}; it runs on "
        "LiteRT.js (Apache-2.0).\n"
    )
