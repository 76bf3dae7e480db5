"""What config.json of a model bundle must contain: which fields, of which kind, in which bounds.

A bundle may come from a stranger, so nothing of its config is used before it has been checked.
"""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from dogbreed.subject import DOG, LONGEST

# Is given the reason why a config cannot be used, and raises the error.
Refuse = Callable[[str], NoReturn]

_Kind = type | tuple[type, ...]

_KINDS: dict[str, _Kind] = {
    "architecture": str,
    "image_size": int,
    "preprocessing": dict,
    "id2label": dict,
    "label2id": dict,
    "names": dict,
    "temperature": (int, float),
    "thresholds": dict,
    "metrics": list,
    "training": dict,
    "files": dict,
}
# Every number has to be finite and within these, so that computing with it cannot overflow.
_LARGEST = 1e18
_IMAGE_SIZES = (8, 4096)
_TEMPERATURES = (1e-3, 1e3)
_METRIC: dict[str, _Kind] = {
    "name": str,
    "value": (int, float),
    "dataset": str,
    "split": str,
    "count": int,
}
# The fields that each threshold may have. One that the data cannot settle is left out of a config.
_THRESHOLDS = {
    "is_dog": ({"method", "threshold"}, {"method", "threshold", "scale", "offset"}),
    "prediction_set": ({"coverage", "threshold", "penalty", "free_ranks"},),
}
_THRESHOLD_KINDS: dict[str, _Kind] = {"method": str, "free_ranks": int}
_THRESHOLD_BOUNDS = {"coverage": (0, 1), "penalty": (0, _LARGEST), "free_ranks": (0, _LARGEST)}
_LONGEST_PATH = 200


def check_fields(config: dict, refuse: Refuse) -> None:
    """Check every field that this program reads.

    Args:
        config: The decoded JSON, an object.
        refuse: Raises the error for a reason such as "lacks a usable temperature".
    """
    _check_values(config, refuse)
    for field, kind in _KINDS.items():
        if not _is(config.get(field), kind):
            refuse(f"lacks a usable {field}")
    if not _IMAGE_SIZES[0] <= config["image_size"] <= _IMAGE_SIZES[1]:
        refuse("has an image_size that is not possible")
    if not _TEMPERATURES[0] <= config["temperature"] <= _TEMPERATURES[1]:
        refuse("has a temperature that is not possible")
    subject = config.get("subject", DOG)
    if not _is_printable(subject) or len(subject) > LONGEST:
        refuse("has a subject that is not a short text")
    _check_labels(config, refuse)
    _check_thresholds(config["thresholds"], refuse)
    for metric in config["metrics"]:
        if not _is(metric, dict) or not all(_is(metric.get(k), v) for k, v in _METRIC.items()):
            refuse("has a metric without a usable name, value, dataset, split or count")
    for name, stated in config["files"].items():
        if not _stays_inside(name):
            refuse(f"names a file outside the bundle ({name!r})")
        if not _is(stated, dict):
            refuse(f"does not describe the file {name!r}")


def _is(value: object, kind: _Kind) -> bool:
    """Whether a value of JSON is of a kind; true and false are not numbers."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _check_values(config: dict, refuse: Refuse) -> None:
    """Check every number and text, wherever it stands."""
    for value in _leaves(config):
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                refuse("contains text that is not Unicode")
        # Negated, so that NaN is refused too.
        elif isinstance(value, int | float) and not abs(value) <= _LARGEST:
            refuse("contains a number that is not finite or too large")


def _leaves(config: dict) -> Iterator[object]:
    """Every key and every value that is neither an object nor a list."""
    waiting: list[Any] = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        else:
            yield value


def _check_labels(config: dict, refuse: Refuse) -> None:
    id2label, names = config["id2label"], config["names"]
    if set(id2label) != {str(number) for number in range(len(id2label))} or len(id2label) < 2:
        refuse("does not number its labels from 0")
    labels = list(id2label.values())
    if not all(_is_printable(label) for label in labels):
        refuse("has labels that are not text")
    if config["label2id"] != {label: int(number) for number, label in id2label.items()}:
        refuse("has an id2label and a label2id that disagree")
    if any(not _is_printable(names.get(label)) for label in labels):
        refuse("does not name every label")
    if len(set(labels)) < len(labels) or len({names[label] for label in labels}) < len(labels):
        refuse("gives two classes the same label or name")


def _is_printable(value: object) -> bool:
    """Whether a value is text that can be shown, and that does nothing to a terminal."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and all(unicodedata.category(character) != "Cc" for character in value)
    )


def _check_thresholds(thresholds: dict, refuse: Refuse) -> None:
    for name, stated in thresholds.items():
        if not isinstance(stated, dict) or set(stated) not in _THRESHOLDS.get(name, ()):
            refuse(f"lacks usable thresholds of {name!r}")
        for field, value in stated.items():
            low, high = _THRESHOLD_BOUNDS.get(field, (-_LARGEST, _LARGEST))
            kind = _THRESHOLD_KINDS.get(field, (int, float))
            if not _is(value, kind) or (kind is not str and not low <= value <= high):
                refuse(f"has an unusable {field} of {name}")


def _stays_inside(name: str) -> bool:
    """Whether a path lies in the folder that it is joined to, on every system."""
    # Backslashes, drive letters and streams mean something on Windows.
    plain = _is_printable(name) and len(name) <= _LONGEST_PATH and not set('\\:*?"<>|') & set(name)
    return plain and not any(part == "" or part.startswith(".") for part in name.split("/"))
