"""The model card, made from the bundle's own figures."""

import csv
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from dogbreed.breeds import BREEDS
from dogbreed.bundle import CARD_PLACEHOLDER, WEIGHTS, Bundle
from dogbreed.train.options import IMAGENET

_TASK = "image-classification"
METRIC_NAMES = {
    "top_1": "Top-1 accuracy",
    "top_3": "Top-3 accuracy",
    "macro_top_1": "Mean top-1 accuracy of the breeds",
    "cross_entropy": "Cross-entropy",
    "ece": "Expected calibration error",
    "ece_untempered": "Expected calibration error without the temperature",
    "set_coverage": "Prediction sets that hold the true label",
    "set_size": "Mean size of the prediction sets",
    "dogs_refused": "Dogs refused as no dog",
    "is_dog_auroc": "Dogs told from other photos (AUROC)",
    "not_dogs_refused": "Other photos refused, with the threshold in use",
    "not_dogs_refused_at_1": "Other photos refused, at 1 % of the test dogs refused",
    "evidence_error": "Largest difference between mean evidence and logit",
    "top_1_agreement": "Answers that agree with the float32 network",
    "float32_top_1": "Top-1 accuracy of the float32 network",
}
_NO_SHARES = ("cross_entropy", "evidence_error", "set_size", "is_dog_auroc")


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
        _trust(bundle),
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
        metric_name=METRIC_NAMES[metric["name"]],
        metric_value=round(metric["value"], 4),
    )


def _summary(bundle: Bundle) -> str:
    figures = ", ".join(
        f"{METRIC_NAMES[metric['name']].lower()} {show_figure(metric)}"
        for metric in bundle.headline
    )
    test = bundle.headline[0]
    return (
        f"Names one of {len(bundle.labels)} classes for a photo. InceptionV3 with global "
        f"average pooling and one dense layer on top, served in 8 bits by LiteRT. "
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
    negatives = " --not-dogs DATASET" if config["training"]["options"].get("not_dogs") else ""
    rows = [
        f"| {METRIC_NAMES[metric['name']]} | {show_figure(metric)} | "
        f"`{metric['dataset']}`, {metric['split']} | {metric['count']} |"
        for metric in config["metrics"]
    ]
    table = "\n".join(["| figure | value | data | photos |", "| --- | --- | --- | --- |", *rows])
    return (
        f"## Figures\n\n{table}\n\n"
        "Test figures are of the network that serves (`model.tflite`) and can be repeated with "
        f"`python train.py --evaluate {CARD_PLACEHOLDER} --dataset DATASET{negatives}`. "
        "Validation photos "
        "were cut from the training split; they chose the options, so their figures are "
        "optimistic.\n\n"
        "![Learning curves](metrics/curves.png)"
    )


def _trust(bundle: Bundle) -> str:
    thresholds, options = bundle.config["thresholds"], bundle.config["training"]["options"]
    if not thresholds:
        return (
            "## How far to trust an answer\n\nThis bundle does not tell: its probabilities are "
            "the plain softmax, and it knows neither prediction sets nor photos without a dog."
        )
    coverage, detector = thresholds["prediction_set"]["coverage"], thresholds["is_dog"]
    parts = [
        "## How far to trust an answer",
        f"**Probabilities** are the softmax of the logits over the temperature "
        f"{bundle.config['temperature']:.3f}, fitted on the validation photos (Guo et al. 2017). "
        "The calibration error above is the mean distance between how sure the first answer is "
        "and how often it is right, in 15 steps.",
        "![Reliability](metrics/reliability.png)",
        f"**Prediction sets** hold the true label with {coverage:.0%} confidence on photos like "
        "the validation photos, which set their threshold (RAPS, Angelopoulos et al. 2021). "
        "On photos of another kind there is no such guarantee."
        + (
            " The network that ships was then fitted once more with the validation photos; the "
            "coverage on the test photos above is its own."
            if options["final_fit"]
            else ""
        ),
        f"**No dog**: the score `{detector['method']}` says how probably a photo shows a dog, as "
        "if half of all photos did; its threshold refuses 1 % of the validation dogs.",
    ]
    if options.get("not_dogs"):
        parts += [_compared(bundle.path), _groups(bundle.path)]
    else:
        parts.append(
            "It was set without photos of other things, so how many of those it refuses was not "
            "measured."
        )
    return "\n\n".join(parts)


def _compared(folder: Path) -> str:
    rows = _read_csv(folder / "metrics" / "detectors.csv")
    lines = [
        f"| `{row['method']}` | {float(row['auroc']):.4f} | {100 * float(row['refused']):.1f} % |"
        for row in rows
    ]
    head = "| score | AUROC | refused at 1 % of the dogs |\n| --- | --- | --- |"
    return (
        "The scores that were compared, on validation dogs and the half of the other photos that "
        "the detector learns from (by cross-validation where it does):\n\n"
        + "\n".join([head, *lines])
    )


def _groups(folder: Path) -> str:
    rows = _read_csv(folder / "metrics" / "not_dogs.csv")
    lines = [
        f"| {row['group']} | {row['photos']} | {row['refused']} | {row['taken_for']} |"
        for row in rows
    ]
    head = (
        "| what it shows | photos | refused | the others are taken for |\n| --- | --- | --- | --- |"
    )
    return (
        "On the half that it has not seen, with the threshold in use:\n\n"
        + "\n".join([head, *lines])
        + "\n\n![Other photos refused over dogs refused](metrics/not_dogs.png)"
    )


def _read_csv(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _breeds(folder: Path) -> str:
    rows = _read_csv(folder / "metrics" / "per_breed.csv")
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
    if training["options"].get("warm_start"):
        began = "the dog classes of ImageNet's own head"
    frozen = "frozen"
    if training["options"].get("train_from", "avg_pool") != "avg_pool":
        frozen = f"frozen up to `{training['options']['train_from']}`, trained above"
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
`{training["backbone"]["fingerprint"][:16]}…`; {frozen}.
- Head: started from {began}.
- Options: {options}.
- Chosen on validation: {chosen}.
- Libraries: {libraries}."""


def _limits(bundle: Bundle) -> str:
    lines = [
        "It gives one of its classes for any photo, also where it says that there is no dog.",
        "Mixed breeds, puppies, several dogs in one photo and photos in bad light were not tested.",
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


def show_figure(metric: dict) -> str:
    """The value of one of the `metrics` of config.json as people read it."""
    if metric["name"] in _NO_SHARES:
        return f"{metric['value']:.4g}"
    return f"{100 * metric['value']:.2f} %"
