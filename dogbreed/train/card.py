"""The model card, made from the bundle's own figures."""

import csv
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from dogbreed.breeds import BREEDS
from dogbreed.bundle import CARD_PLACEHOLDER, WEIGHTS, Bundle
from dogbreed.train.options import IMAGENET

_TASK = "image-classification"
_METRIC_NAMES = {
    "top_1": "Top-1 accuracy",
    "top_3": "Top-3 accuracy",
    "macro_top_1": "Mean top-1 accuracy of the breeds",
    "cross_entropy": "Cross-entropy",
    "evidence_error": "Largest difference between mean evidence and logit",
    "top_1_agreement": "Answers that agree with the float32 network",
    "float32_top_1": "Top-1 accuracy of the float32 network",
}
_SHARES = ("top_1", "top_3", "macro_top_1", "top_1_agreement", "float32_top_1")


def model_card(bundle: Bundle) -> ModelCard:
    """Make the card of a bundle: metadata for the Hub, use, figures, training, limits.

    Args:
        bundle: A bundle with its metrics folder.

    Returns:
        The card; where it names the repository it says `USER/MODEL`.
    """
    config = bundle.config
    training = config["training"]
    name = f"dogbreed-{config['architecture']}"
    on_hub = "/" in training["dataset"]
    data = ModelCardData(
        license="apache-2.0",
        library_name="keras",
        pipeline_tag=_TASK,
        tags=["dogbreed", "litert", "tflite", "inception-v3", "transfer-learning"],
        datasets=[training["dataset"]] if on_hub else None,
        metrics=["accuracy"],
        **_base_model(training),
        model_name=name,
        eval_results=[_result(metric, training) for metric in bundle.headline],
    )
    sections = [
        f"---\n{data.to_yaml()}\n---",
        f"# {name}",
        _summary(bundle),
        _use(config),
        _figures(config),
        _breeds(bundle.path),
        _training(config),
        _limits(bundle),
    ]
    if training["notes"].strip():
        sections.append(f"## Notes on data and backbone\n\n{training['notes'].strip()}")
    return ModelCard("\n\n".join(sections) + "\n")


def _base_model(training: dict) -> dict:
    """The model of the Hub that this one goes on from; Keras's backbone is none of the Hub's."""
    start = training.get("init_from")
    if not start or not start["address"]:
        return {}
    return {
        "base_model": start["address"].partition("@")[0],
        "base_model_relation": "finetune",
    }


def _result(metric: dict, training: dict) -> EvalResult:
    return EvalResult(
        task_type=_TASK,
        task_name="Image classification",
        dataset_type=metric["dataset"],
        dataset_name=f"{metric['dataset']} ({metric['count']} photos)",
        dataset_split=metric["split"],
        dataset_revision=training["revision"],
        metric_type="accuracy",
        metric_name=_METRIC_NAMES[metric["name"]],
        metric_value=round(metric["value"], 4),
    )


def _summary(bundle: Bundle) -> str:
    figures = ", ".join(
        f"{_METRIC_NAMES[metric['name']].lower()} {_show(metric)}" for metric in bundle.headline
    )
    test = bundle.headline[0]
    return (
        f"Names one of {len(bundle.labels)} classes for a photo. InceptionV3, frozen, with global "
        f"average pooling and one dense layer on top, served with 8-bit weights by LiteRT. "
        f"Measured on {test['count']} photos of `{test['dataset']}`, split `{test['split']}`: "
        f"{figures}.\n\n"
        "The network returns an evidence map: what each part of the photo adds to the logit of "
        "each class. Its mean is the logits, so the map is the computation itself."
    )


def _use(config: dict) -> str:
    further = (
        f"python train.py --init-from {CARD_PLACEHOLDER} --dataset DATASET --output my-model\n"
        if WEIGHTS in config["files"]
        else ""
    )
    return f"""## Use

```python
from dogbreed import DogBreedClassifier
classifier = DogBreedClassifier.from_pretrained("{CARD_PLACEHOLDER}")
print(classifier.predict("photo.jpg").as_dict())
```

```sh
python -m dogbreed predict photo.jpg --model {CARD_PLACEHOLDER}
python app.py --model {CARD_PLACEHOLDER}
{further}```"""


def _figures(config: dict) -> str:
    rows = [
        f"| {_METRIC_NAMES[metric['name']]} | {_show(metric)} | "
        f"`{metric['dataset']}`, {metric['split']} | {metric['count']} |"
        for metric in config["metrics"]
    ]
    table = "\n".join(["| figure | value | data | photos |", "| --- | --- | --- | --- |", *rows])
    return (
        f"## Figures\n\n{table}\n\n"
        "Test figures are of the network that serves (`model.tflite`) and can be repeated with "
        f"`python train.py --evaluate {CARD_PLACEHOLDER} --dataset DATASET`. Validation photos "
        "were cut from the training split; they chose the options, so their figures are "
        "optimistic.\n\n"
        "![Learning curves](metrics/curves.png)"
    )


def _breeds(folder: Path) -> str:
    rows = list(csv.DictReader((folder / "metrics" / "per_breed.csv").open(encoding="utf-8")))
    lines = [
        "| class | photos | top-1 | top-3 | most often taken for |",
        "| --- | --- | --- | --- | --- |",
    ]
    shown = rows if len(rows) <= 20 else [*rows[:10], *rows[-10:]]
    lines += [
        f"| {row['breed']} | {row['photos']} | {100 * float(row['top_1']):.0f} % | "
        f"{100 * float(row['top_3']):.0f} % | {row['taken_for']} |"
        for row in shown
    ]
    return (
        "## Strengths and weaknesses\n\n"
        "The classes that it knows worst, and best (all of them: `metrics/per_breed.csv`):\n\n"
        + "\n".join(lines)
        + "\n\n![Accuracy of each class](metrics/per_breed.png)"
        "\n\n![Most confused pairs](metrics/confusions.png)"
    )


def _training(config: dict) -> str:
    training = config["training"]
    splits = training["splits"]
    backbone = training["backbone"]["weights"]
    weights = "Keras's ImageNet weights" if backbone == IMAGENET else f"`{backbone}`"
    revision = f", revision `{training['revision']}`" if training["revision"] else ""
    start = training.get("init_from")
    began = "random weights"
    if start:
        at = f" (commit `{start['commit']}`)" if start["commit"] else ""
        began = f"those of `{training['options']['init_from']}`{at}"
    options = ", ".join(f"`{name}` {value}" for name, value in training["options"].items())
    chosen = ", ".join(f"`{name}` {value}" for name, value in training["chosen"].items())
    libraries = ", ".join(f"{name} {version}" for name, version in training["libraries"].items())
    return f"""## Training

- Data: `{training["dataset"]}`{revision}; {splits["train"]["photos"]} photos of split \
`{splits["train"]["split"]}` to train, {splits["test"]["photos"]} of `{splits["test"]["split"]}` \
to test; SHA-256 of the training photos `{splits["train"]["fingerprint"][:16]}…`.
- Backbone: InceptionV3 without top, {weights}, SHA-256 of the weights \
`{training["backbone"]["fingerprint"][:16]}…`; frozen.
- Head: started from {began}.
- Options: {options}.
- Chosen on validation: {chosen}.
- Libraries: {libraries}."""


def _limits(bundle: Bundle) -> str:
    lines = [
        "It answers with one of its classes whatever the photo shows, also for a photo without "
        "any of them; a low probability is a hint, not a test.",
        "Mixed breeds, puppies, drawings, several dogs in one photo and photos in bad light were "
        "not tested.",
        "The probabilities are those of the softmax; whether they are too high or too low has "
        "not been measured.",
        "It says what an animal looks like. It is no proof of descent and nothing to judge a "
        "dog's character, health or price by.",
    ]
    if set(bundle.labels) == {breed.label for breed in BREEDS}:
        lines.insert(
            0,
            "Stanford Dogs was drawn from ImageNet, so an ImageNet backbone has seen most of "
            "these photos, the test photos too. The figures are optimistic for that reason, as "
            "all published figures on this dataset are.",
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _show(metric: dict) -> str:
    if metric["name"] in _SHARES:
        return f"{100 * metric['value']:.2f} %"
    return f"{metric['value']:.3g}"
