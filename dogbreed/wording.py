"""A prediction in words: lines, one plain sentence, JSON."""

from collections.abc import Mapping
from urllib.parse import urlencode

from dogbreed.breeds import find_breed
from dogbreed.bundle import Bundle
from dogbreed.prediction import Prediction
from dogbreed.subject import DOG, neutral_texts, terms

# A set of more breeds than this says only that the model is unsure.
MOST_NAMED = 4
# At 90 % one answer in ten is wrong; the page never sounds surer than this.
VERY_LIKELY = 0.9
PROBABLE = 0.6

# Takes several wikis, and goes to the first that has an article about the item.
_ARTICLE = "https://www.wikidata.org/wiki/Special:GoToLinkedPage"

# Spelled with a vowel, but pronounced like the y in "you": a Eurasier, a Utonagan.
_SPOKEN_WITH_Y = ("eu", "uni", "ut")


def as_lines(prediction: Prediction) -> list[str]:
    """The labels, best first: `Yorkshire terrier: 86.12%`."""
    return [
        f"{label}: {probability:.2%}"
        for label, probability in zip(prediction.labels, prediction.probabilities, strict=True)
    ]


def not_shown(subject: str = DOG) -> str:
    """What is said in English about a photo that does not show what the model knows."""
    return neutral_texts("en", subject).get("no_dog", "This does not look like a dog.")


def trust_line(prediction: Prediction, subject: str = DOG) -> str | None:
    """How far to trust the labels, in one sentence; None if the bundle promises nothing.

    Args:
        prediction: With at least one label.
        subject: What the photos of its bundle show.
    """
    if not prediction.looks_like_dog:
        return not_shown(subject)
    if prediction.coverage is None:
        return None
    among = prediction.prediction_set
    if len(among) > MOST_NAMED:
        kinds = f"{len(among)} {terms(subject).kinds}"
        return f"Not sure: with {prediction.coverage:.0%} confidence one of {kinds}."
    one_of = " one of" if len(among) > 1 else ""
    return f"With {prediction.coverage:.0%} confidence{one_of}: {', '.join(among)}."


def as_json(prediction: Prediction, bundle: Bundle) -> dict:
    """A prediction as JSON, without the evidence.

    Returns:
        `labels`, best first, each with its `name` for people, its `label` in the data and its
        `probability`; `is_dog`, `looks_like_dog`, `prediction_set`, `coverage` and `note` as in
        `Prediction`, with null for None; `often_confused_with`, the names that the best label was
        confused with on test photos.
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
        "often_confused_with": list(bundle.confused.get(prediction.labels[0], ())),
        "note": prediction.note,
    }


def sentence(prediction: Prediction, texts: Mapping[str, str], articles: bool = True) -> str:
    """Say what the model thinks: the breeds of its prediction set, if they are few.

    Args:
        prediction: With at least one label, which counts as its prediction set if it has none.
        texts: The templates `no_dog`, `very_likely`, `probable`, `between`, `one_of`, `unsure`.
        articles: Whether to put "a" or "an" before a breed, as in English.

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
    """What the prediction set promises, if it is small enough to be named; None otherwise.

    Args:
        prediction: As for `sentence`.
        texts: The template `confidence`.
    """
    breeds, coverage = prediction.prediction_set, prediction.coverage
    if not prediction.looks_like_dog or coverage is None or len(breeds) > MOST_NAMED:
        return None
    return texts["confidence"].format(percent=round(100 * coverage), breeds=", ".join(breeds))


def with_article(name: str) -> str:
    """Put "a" or "an" before a name, by how it is pronounced."""
    lowered = name.lower()
    vowel = lowered.startswith(tuple("aeiou")) and not lowered.startswith(_SPOKEN_WITH_Y)
    return f"{'an' if vowel else 'a'} {name}"


def often_confused(
    prediction: Prediction, confused: Mapping[str, tuple[str, ...]], texts: Mapping[str, str]
) -> str | None:
    """Which breeds the best one was confused with on test photos; None if it hardly ever was.

    Args:
        prediction: With at least one label.
        confused: See `Bundle.confused`.
        texts: The template `often_confused`.
    """
    others = confused.get(prediction.labels[0], ())
    if not others or not prediction.looks_like_dog:
        return None
    return texts["often_confused"].format(breeds=", ".join(others))


def read_more_link(name: str, language: str = "en") -> str:
    """The address of an article about a breed, in a language of the page where there is one.

    Wikidata redirects to the article in that language, else to the English one. What is not in the
    table of breeds is searched for.

    Args:
        name: The name for people.
        language: Such as `de` or `zh-CN`.
    """
    wiki = language.partition("-")[0]
    breed = find_breed(name)
    if breed and breed.wikidata:
        sites = dict.fromkeys((f"{wiki}wiki", "enwiki"))
        return f"{_ARTICLE}/{','.join(sites)}/{breed.wikidata}"
    return f"https://{wiki}.wikipedia.org/w/index.php?" + urlencode({"search": name})


def _pair(first: str, second: str) -> tuple[str, str]:
    """Two names with articles; the last words that they share are given once."""
    words, others = first.split(" "), second.split(" ")
    shared = 0
    while shared < min(len(words), len(others)) - 1 and words[-shared - 1] == others[-shared - 1]:
        shared += 1
    return with_article(" ".join(words[: len(words) - shared])), with_article(second)
