"""A prediction as terminals and programs read it."""

from dogbreed.bundle import Bundle
from dogbreed.classifier import Prediction

# A set of more breeds than this says little more than that the model is unsure.
MOST_NAMED = 4


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
