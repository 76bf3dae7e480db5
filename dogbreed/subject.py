"""What a model's photos show: dogs, or what its training was told; and texts that fit it.

The texts of the page are about dogs. For any other subject those in `page/locales/neutral/` take
their place, which need neither a word for the subject nor its gender.
"""

import json
from functools import cache
from pathlib import Path

DOG = "dog"
# A subject without a word of its own.
PHOTO = "photo"
LOCALES = Path(__file__).parent / "page" / "locales"
LONGEST = 60


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
            words[key] = named[:1].upper() + named[1:]
    return words
