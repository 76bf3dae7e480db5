"""The README of a Space; its metadata say how the Hub has to run it."""

from collections.abc import Sequence
from typing import Any

from huggingface_hub import RepoCard, SpaceCardData, constants

from dogbreed.bundle import Bundle

# In the card of each Space that contains this page.
TAG = "dogbreed"


def space_card(
    repo_id: str,
    served: Bundle,
    *,
    description: str,
    text: str,
    thumbnail: str,
    tags: Sequence[str],
    **how: Any,
) -> RepoCard:
    """Write the card of a Space with this page.

    Args:
        repo_id: `user/space`.
        served: The model.
        description: A line about the Space.
        text: What its README says.
        thumbnail: Path of a picture in the Space.
        tags: What kind of Space it is.
        how: Further fields of `SpaceCardData`, by which the Hub runs it.
    """
    model, dataset = served.repo_id, served.config["training"].get("dataset")
    data = SpaceCardData(
        title="Dog breeds",
        emoji="🐕",
        colorFrom="yellow",
        colorTo="green",
        license="apache-2.0",
        tags=[TAG, "image-classification", *tags],
        short_description=description,
        thumbnail=f"{constants.ENDPOINT}/spaces/{repo_id}/resolve/main/{thumbnail}",
        models=[model] if model else None,
        # A folder of photos has no page on the Hub.
        datasets=[dataset] if dataset and "/" in dataset else None,
        **how,
    )
    return RepoCard(f"---\n{data.to_yaml()}\n---\n\n# {repo_id.split('/')[-1]}\n\n{text}\n")
