"""The README of a Space; its metadata say how the Hub has to run it."""

from collections.abc import Sequence
from typing import Any

from huggingface_hub import RepoCard, SpaceCardData, constants

from dogbreed.bundle import Bundle
from dogbreed.subject import DOG, PHOTO, neutral_texts, terms

# In the card of each Space that contains this page.
TAG = "dogbreed"
# The Hub refuses a card with a longer line about the Space.
_LONGEST_DESCRIPTION = 60


def space_card(
    repo_id: str,
    served: Bundle,
    *,
    where: str = "",
    text: str,
    thumbnail: str,
    tags: Sequence[str],
    **how: Any,
) -> RepoCard:
    """Write the card of a Space with this page.

    Args:
        repo_id: `user/space`.
        served: The model.
        where: Where the answer is computed, for the line about the Space.
        text: What its README says after the question that the page asks.
        thumbnail: Path of a picture in the Space.
        tags: What kind of Space it is.
        how: Further fields of `SpaceCardData`, by which the Hub runs it.
    """
    model, dataset = served.repo_id, served.config["training"].get("dataset")
    title, emoji, question = "Dog breeds", "🐕", "Which breed is this dog?"
    if served.subject != DOG:
        title = question = neutral_texts("en", served.subject)["heading"]
        emoji = "🔍"
    data = SpaceCardData(
        title=title,
        emoji=emoji,
        colorFrom="yellow",
        colorTo="green",
        license="apache-2.0",
        tags=[TAG, "image-classification", *tags],
        short_description=_description(served.subject, where),
        thumbnail=f"{constants.ENDPOINT}/spaces/{repo_id}/resolve/main/{thumbnail}",
        models=[model] if model else None,
        # A folder of photos has no page on the Hub.
        datasets=[dataset] if dataset and "/" in dataset else None,
        **how,
    )
    name = repo_id.split("/")[-1]
    return RepoCard(f"---\n{data.to_yaml()}\n---\n\n# {name}\n\n{question} {text}\n")


def _description(subject: str, where: str) -> str:
    line = f"Names {terms(subject).asked} in a photo{where}"
    return line if len(line) <= _LONGEST_DESCRIPTION else _description(PHOTO, where)
