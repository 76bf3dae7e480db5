"""A prediction in one plain sentence: what the model thinks, and how sure it is of it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from dogbreed.classifier import Prediction

# At 90 % an answer is wrong about once in ten photos: as sure as the page ever sounds.
VERY_LIKELY = 0.9
# Better than the two others together, with room to spare.
PROBABLE = 0.6
# Two breeds that share most of the probability, the second at least half as probable as the first.
PAIR_TOGETHER = 0.7
PAIR_RATIO = 0.5

# Vowels to the eye that are spoken like the y of "you": a Eurasier, a Utonagan.
_SPOKEN_WITH_Y = ("eu", "uni", "ut")


def sentence(prediction: Prediction, texts: Mapping[str, str], articles: bool = True) -> str:
    """Say what the model thinks.

    Args:
        prediction: At least one label.
        texts: The templates `very_likely`, `probable`, `between` and `unsure`.
        articles: Put "a" or "an" before a breed, as English does.

    Returns:
        One sentence, such as "Very likely a Yorkshire terrier."
    """
    best, *rest = prediction.labels
    first, *others = prediction.probabilities
    name = with_article(best) if articles else best
    if first >= VERY_LIKELY:
        return texts["very_likely"].format(breed=name)
    if others and others[0] >= PAIR_RATIO * first and first + others[0] >= PAIR_TOGETHER:
        one, other = _pair(best, rest[0]) if articles else (best, rest[0])
        return texts["between"].format(first=one, second=other)
    template = "probable" if first >= PROBABLE else "unsure"
    return texts[template].format(breed=name)


def with_article(name: str) -> str:
    """Put "a" or "an" before a name, by how its first letters are spoken."""
    lowered = name.lower()
    vowel = lowered.startswith(tuple("aeiou")) and not lowered.startswith(_SPOKEN_WITH_Y)
    return f"{'an' if vowel else 'a'} {name}"


def read_more_link(name: str) -> str:
    """Where to read about a breed; a search, so that it works for any set of labels."""
    return "https://en.wikipedia.org/w/index.php?" + urlencode({"search": name})


def _pair(first: str, second: str) -> tuple[str, str]:
    """Two names with articles; a last word that both have is said once."""
    head, _, tail = first.rpartition(" ")
    if head and second.endswith(f" {tail}"):
        first = head
    return with_article(first), with_article(second)
