"""A prediction in words: lines, one plain sentence, JSON."""

from collections.abc import Mapping
from urllib.parse import urlencode

from dogbreed.bundle import Bundle
from dogbreed.prediction import Prediction

# A set of more breeds than this says little more than that the model is unsure.
MOST_NAMED = 4
# At 90 % an answer is wrong about once in ten photos: as sure as the page ever sounds.
VERY_LIKELY = 0.9
PROBABLE = 0.6

# Vowels to the eye that are spoken like the y of "you": a Eurasier, a Utonagan.
_SPOKEN_WITH_Y = ("eu", "uni", "ut")


def as_lines(prediction: Prediction) -> list[str]:
    """The labels, best first: `Yorkshire terrier: 86.12%`."""
    return [
        f"{label}: {probability:.2%}"
        for label, probability in zip(prediction.labels, prediction.probabilities, strict=True)
    ]


def trust_line(prediction: Prediction) -> str | None:
    """How far to trust the labels, in one sentence; None if the bundle cannot tell."""
    if not prediction.looks_like_dog:
        return "This does not look like a dog."
    if prediction.coverage is None:
        return None
    among = prediction.prediction_set
    if len(among) > MOST_NAMED:
        return f"Not sure: with {prediction.coverage:.0%} confidence one of {len(among)} breeds."
    one_of = " one of" if len(among) > 1 else ""
    return f"With {prediction.coverage:.0%} confidence{one_of}: {', '.join(among)}."


def as_json(prediction: Prediction, bundle: Bundle) -> dict:
    """Everything but the evidence, to be written as JSON.

    Returns:
        `labels`, best first, each with its `name` for people, its `label` in the data and its
        `probability`; `is_dog`, `looks_like_dog`, `prediction_set` and `coverage` as in
        `Prediction`.
    """
    rows = zip(prediction.labels, prediction.ids, prediction.probabilities, strict=True)
    return {
        "labels": [
            {"name": name, "label": bundle.labels[number], "probability": probability}
            for name, number, probability in rows
        ],
        "is_dog": prediction.is_dog,
        "looks_like_dog": prediction.looks_like_dog,
        "prediction_set": list(prediction.prediction_set),
        "coverage": prediction.coverage,
    }


def sentence(prediction: Prediction, texts: Mapping[str, str], articles: bool = True) -> str:
    """Say what the model thinks: the breeds of its prediction set, if they are few.

    Args:
        prediction: At least one label. Without a prediction set the first label is all of it.
        texts: The templates `no_dog`, `very_likely`, `probable`, `between`, `one_of`, `unsure`.
        articles: Put "a" or "an" before a breed, as English does.

    Returns:
        One sentence, such as "Very likely a Yorkshire terrier."
    """
    if not prediction.looks_like_dog:
        return texts["no_dog"]
    breeds = prediction.prediction_set or prediction.labels[:1]
    best, first = prediction.labels[0], prediction.probabilities[0]
    if len(breeds) == 2:
        one, other = _pair(*breeds) if articles else breeds
        return texts["between"].format(first=one, second=other)
    if 2 < len(breeds) <= MOST_NAMED:
        return texts["one_of"].format(breeds=", ".join(breeds))
    name = with_article(best) if articles else best
    if len(breeds) > MOST_NAMED or first < PROBABLE:
        return texts["unsure"].format(breed=name)
    return texts["very_likely" if first >= VERY_LIKELY else "probable"].format(breed=name)


def confidence(prediction: Prediction, texts: Mapping[str, str]) -> str | None:
    """What the prediction set promises, where it names its breeds; None otherwise.

    Args:
        prediction: As for `sentence`.
        texts: The template `confidence`.
    """
    few = 1 <= len(prediction.prediction_set) <= MOST_NAMED
    if not prediction.looks_like_dog or not few:
        return None
    return texts["confidence"].format(
        percent=round(100 * prediction.coverage), breeds=", ".join(prediction.prediction_set)
    )


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
