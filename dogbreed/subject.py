"""What a model's photos show: dogs, or what its training was told; and texts that fit it.

The texts of the page are about dogs. For any other subject those in `page/locales/neutral/` take
their place, which need neither a word for the subject nor its gender. What is written in English
alone takes its words from `terms`.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DOG = "dog"
# A subject without a word of its own.
PHOTO = "photo"
_PAGE = Path(__file__).parent / "page"
LOCALES = _PAGE / "locales"
LONGEST = 60


@dataclass(frozen=True)
class Terms:
    """English words for what is written only in English: cards, reports, the API, the shell.

    Attributes:
        kind: What a class is called; `kinds` are several.
        asked: What the model says of a photo.
        shown: What a photo shows if the model can answer it.
        members: Several of these.
        photos: Photos that show it; `others` are all other photos.
    """

    kind: str
    kinds: str
    asked: str
    shown: str
    members: str
    photos: str
    others: str


def terms(subject: str) -> Terms:
    """The words for the subject of a bundle."""
    if subject == DOG:
        asked = "the breed of the dog"
        return Terms("breed", "breeds", asked, "a dog", "dogs", "dog photos", "non-dog photos")
    asked, photos, others = f"the kind of {subject}", f"{subject} photos", f"non-{subject} photos"
    if subject == PHOTO:
        asked, photos, others = "what is", "suitable photos", "unsuitable photos"
    return Terms("class", "classes", asked, "anything the model knows", photos, photos, others)


def capitalized(words: str) -> str:
    """The words with a capital first letter, the others as they are."""
    return words[:1].upper() + words[1:]


def icon(subject: str) -> Path:
    """The icon of a page: a dog's face, or a magnifying glass for anything else."""
    return _PAGE / "static" / ("icon.png" if subject == DOG else "neutral.png")


@cache
def neutral_texts(language: str, subject: str) -> dict[str, str]:
    """The texts that take the place of those about dogs; none for dogs.

    Args:
        language: One of the page's.
        subject: Of the bundle; only the heading and the sentence for what is something else name
            it.
    """
    if subject == DOG:
        return {}
    path = LOCALES / "neutral" / f"{language}.json"
    words: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    for key in ("heading", "no_dog"):
        named = words.pop(f"{key}_of").format(subject=subject)
        if subject != PHOTO:
            words[key] = capitalized(named)
    return words
