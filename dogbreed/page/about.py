"""The tab about the model: its origin, accuracy and limits, and what happens to photos."""

from collections.abc import Mapping
from typing import Any

from dogbreed.classifier import DogBreedClassifier
from dogbreed.engines import TITLES

_SHOWN = (
    "top_1",
    "top_3",
    "ece",
    "set_coverage",
    "set_size",
    "dogs_refused",
    "negatives_refused",
)


def about_markdown(
    words: Mapping[str, str],
    classifier: DogBreedClassifier,
    keep_seconds: int,
    collecting: bool = False,
) -> str:
    """Write the tab in one language.

    Args:
        words: The texts of the language.
        classifier: The model that answers.
        keep_seconds: How long photos are kept.
        collecting: Visitors may say what a photo shows, and have it kept.

    Returns:
        Markdown.
    """
    config = classifier.bundle.config
    model = words["about_model_text"].format(
        classes=len(classifier.names),
        architecture=config["architecture"],
        origin=origin(classifier),
        dataset=config["training"].get("dataset", "?"),
    )
    engine = words["about_engine"].format(engine=TITLES[classifier.engine])
    privacy = words["about_privacy_text"].format(minutes=round(keep_seconds / 60))
    if collecting:
        privacy += " " + words["collect_privacy"]
    sections = (
        (words["about_model"], f"{model} {engine}"),
        (words["about_accuracy"], _accuracy(words, config)),
        (words["about_limits"], words["about_limits_text"]),
        (words["about_privacy"], privacy),
    )
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections)


def origin(classifier: DogBreedClassifier) -> str:
    """Where the model came from: its address on the Hub, else only the name of its folder."""
    return classifier.bundle.address or classifier.bundle.path.name


def _accuracy(words: Mapping[str, str], config: Mapping[str, Any]) -> str:
    """The metrics, and a warning if photos like the training photos settled the promises."""
    table = metrics_table(words, config)
    promises = config["thresholds"] and config["training"].get("settled")
    if not promises or config["training"].get("options", {}).get("independent"):
        return table
    return f"{table}\n\n{words['about_settled_alike']}"


def metrics_table(words: Mapping[str, str], config: Mapping[str, Any]) -> str:
    """The metrics that were measured on test photos, as a Markdown table.

    Args:
        words: The texts of one language.
        config: The config of a bundle.

    Returns:
        Markdown; one sentence if there are no such metrics.
    """
    promise = config["thresholds"].get("prediction_set", {})
    percent = round(100 * promise.get("coverage", 0))
    rows = [
        f"| {words[metric['name']].format(percent=percent)} | {_value(metric)} "
        f"| `{metric['dataset']}/{metric['split']}` | {metric['count']} |"
        for metric in config["metrics"]
        if metric["name"] in _SHOWN and metric["split"] != "validation"
    ]
    if not rows:
        return words["about_no_metrics"]
    head = " | ".join(words[key] for key in ("metric", "value", "data", "count"))
    return "\n".join([f"| {head} |", "| --- | --- | --- | --- |", *rows])


def _value(metric: Mapping[str, Any]) -> str:
    form = ".2f" if metric["name"] == "set_size" else ".1%"
    return format(metric["value"], form)
