"""The model card, generated from the bundle's own metrics."""

import csv
from pathlib import Path

from dogbreed.breeds import BREEDS
from dogbreed.bundle import CARD_PLACEHOLDER, WEIGHTS, Bundle
from dogbreed.hub import card_metadata
from dogbreed.subject import DOG, PHOTO, Terms, capitalized, terms
from dogbreed.train.options import IMAGENET
from dogbreed.train.report.titles import metric_titles, show_metric
from dogbreed.train.trust.rejection import REFUSED_DOGS

# What the card says of each source of independent photos; the file has all of it.
_OF_SOURCES = ("top_1", "top_3", "ece", "set_coverage", "set_size", "dogs_refused")
_TAGS = ["dogbreed", "litert", "tflite", "inception-v3", "transfer-learning"]


def model_card(bundle: Bundle) -> str:
    """Write the card of a bundle: metadata for the Hub, use, metrics, training, limits.

    Args:
        bundle: A bundle with its metrics folder.

    Returns:
        Markdown with YAML metadata; where it names the repository it says `USER/MODEL`.
    """
    config = bundle.config
    training, titles = config["training"], metric_titles(bundle.subject)
    name = f"dogbreed-{config['architecture']}"
    start = training.get("init_from")
    # Keras's backbone is not a model of the Hub.
    address = start["address"] if start else None
    metadata = card_metadata(
        name,
        _TAGS,
        dataset=training["dataset"] if "/" in training["dataset"] else None,
        base_model=address and address.partition("@")[0],
        metrics=[
            metric | {"title": titles[metric["name"]], "revision": training["revision"]}
            for metric in bundle.headline
        ],
    )
    sections = [
        f"---\n{metadata}\n---",
        f"# {name}",
        _summary(bundle),
        _use(config),
        _metrics(bundle),
        _trust(bundle),
        _breeds(bundle.path),
        _training(config),
        _limits(bundle),
    ]
    if bundle.examples:
        sections.append(
            f"## Examples\n\n`examples/` contains {len(bundle.examples)} of the test photos, which "
            "the model answers right. They are not covered by the license of the model; the rights "
            "to them are those of the dataset."
        )
    if training["notes"].strip():
        sections.append(f"## Notes on data and backbone\n\n{training['notes'].strip()}")
    return "\n\n".join(sections) + "\n"


def _summary(bundle: Bundle) -> str:
    titles = metric_titles(bundle.subject)
    measured = ", ".join(
        f"{titles[metric['name']].lower()} {show_metric(metric['name'], metric['value'])}"
        for metric in bundle.headline
    )
    test = bundle.headline[0]
    return (
        f"Classifies a photo as one of {len(bundle.labels)} classes. InceptionV3 with global "
        "average pooling and one dense layer on top, served in 8 bits by LiteRT. "
        f"On {test['count']:,} photos of `{test['dataset']}`, split `{test['split']}`: "
        f"{measured}.\n\n"
        "The network returns an evidence map: what each part of the photo adds to the logit of "
        "each class. The mean of the map is the logits, so the map is the computation itself."
    )


def _use(config: dict) -> str:
    further = (
        f"python -m dogbreed train --init-from {CARD_PLACEHOLDER} --dataset DATASET "
        "--output my-model\n"
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
python -m dogbreed serve --model {CARD_PLACEHOLDER}
{further}```

`transformers.pipeline` does not load this model: it is a LiteRT network with a config of its own,
not one of the architectures of Transformers."""


def _metrics(bundle: Bundle) -> str:
    config = bundle.config
    options = config["training"]["options"]
    given = " --not-dogs DATASET" if options.get("not_dogs") else ""
    if options.get("not_dogs_except"):
        given += f" --not-dogs-except {' '.join(options['not_dogs_except'])}"
    given += " --independent DATASET" if options.get("independent") else ""
    titles = metric_titles(bundle.subject)
    rows = [
        f"| {titles[metric['name']]} | {show_metric(metric['name'], metric['value'])} | "
        f"`{metric['dataset']}`, {metric['split']} | {metric['count']} |"
        for metric in config["metrics"]
    ]
    parts = [
        "## Metrics",
        _table(["metric", "value", "data", "photos"], rows),
        "These are metrics of the network that serves (`model.tflite`). To repeat them: "
        f"`python -m dogbreed evaluate {CARD_PLACEHOLDER} --dataset DATASET{given}`. Validation "
        "photos were taken from the training split. They chose the options, so their metrics are "
        "optimistic.",
    ]
    if "metrics/sources.csv" in config["files"]:
        parts.append(_sources(bundle))
    return "\n\n".join([*parts, "![Learning curves](metrics/curves.png)"])


def _trust(bundle: Bundle) -> str:
    thresholds, training = bundle.config["thresholds"], bundle.config["training"]
    words = terms(bundle.subject)
    settled = training["settled"]
    parts = [
        "## How far to trust an answer",
        f"What follows was settled on {settled['photos']:,} photos: {settled['on']}.",
        *settled["notes"],
        "**Probabilities** are the softmax of the logits divided by the temperature "
        f"{bundle.config['temperature']:.3f} (Guo et al. 2017). The calibration error above is the "
        "mean gap between the probability of the first answer and how often it is right, in 15 "
        "bins.",
        "![Reliability](metrics/reliability.png)",
    ]
    if "metrics/risk.png" in bundle.config["files"]:
        parts += [
            "How many answers are wrong if only those of at least some probability are given:",
            "![Wrong answers over answers given](metrics/risk.png)",
        ]
    if not training["options"].get("independent"):
        parts.insert(
            2,
            "These photos are like the training photos, which the backbone may have seen, so on "
            "other photos the promises may not hold; `--independent` settles them on others.",
        )
    if "prediction_set" in thresholds:
        parts.append(
            "**Prediction sets** contain the true label about "
            f"{thresholds['prediction_set']['coverage']:.0%} of the time on photos like those that "
            "settled their threshold (RAPS, Angelopoulos et al. 2021). Nothing is guaranteed for "
            "other kinds of photos; the shares that were measured are above."
        )
    if "is_dog" in thresholds:
        parts.append(_rejection(thresholds["is_dog"], settled["dogs"], bundle.subject))
    tables = {"rejection_scores": _scores, "negatives": _groups, "neither": _neither}
    for name, table in tables.items():
        if f"metrics/{name}.csv" in bundle.config["files"]:
            parts.append(table(bundle.path, words))
    return "\n\n".join(parts)


def _rejection(rule: dict, photos: int, subject: str) -> str:
    # Of few photos the lowest score is the threshold, and a new one is below it this often.
    rejected = max(REFUSED_DOGS, 1 / (photos + 1))
    words = terms(subject)
    what, which = f"{capitalized(subject)} or not", words.photos
    if subject == DOG:
        which = "photos of dogs"
    elif subject == PHOTO:
        what = "Suitable or not"
    stated = (
        f"**{what}**: the score `{rule['method']}` decides. Its threshold rejects about "
        f"{100 * rejected:.0f} % of {which} like those that settled it."
    )
    if "scale" in rule:
        return (
            f"{stated} The score also gives the probability that a photo shows {words.shown}, as "
            "if half of all photos did."
        )
    return (
        f"{stated} No photos of other things settled it, so there is no probability that a photo "
        f"shows {words.shown}."
    )


def _scores(folder: Path, words: Terms) -> str:
    rows = [
        f"| `{row['method']}` | {float(row['auroc']):.4f} | {100 * float(row['refused']):.1f} % |"
        for row in _read_csv(folder / "metrics" / "rejection_scores.csv")
    ]
    return (
        "The scores that were compared, on the photos that settled this and on the half of the "
        f"{words.others} that training uses (by cross-validation where a score learns from them):"
        "\n\n" + _table(["score", "AUROC", f"rejected with 1 % of the {words.members}"], rows)
    )


def _groups(folder: Path, words: Terms) -> str:
    return (
        "The half that training has not seen, at the threshold in use:\n\n"
        + _refused(folder, "negatives", "photos")
        + f"\n\n![{capitalized(words.others)} rejected against {words.photos} "
        "rejected](metrics/negatives.png)"
    )


def _neither(folder: Path, words: Terms) -> str:
    return (
        f"Pictures that are neither {words.members} nor negatives; nothing learned from them, and "
        "nothing is promised for them:\n\n" + _refused(folder, "neither", "pictures")
    )


def _refused(folder: Path, name: str, counted: str) -> str:
    """Make a table of what `tables.refused_by_group` has found."""
    rows = [
        f"| {row['group']} | {row['photos']} | {row['refused']} | {row['taken_for']} |"
        for row in _read_csv(folder / "metrics" / f"{name}.csv")
    ]
    return _table(["subject", counted, "rejected", "the rest is taken for"], rows)


def _sources(bundle: Bundle) -> str:
    rows = _read_csv(bundle.path / "metrics" / "sources.csv")
    titles = metric_titles(bundle.subject)
    names = [name for name in _OF_SOURCES if name in rows[0]]
    lines = [
        f"| {row['source']} | {row['photos']} | "
        + " | ".join(show_metric(name, float(row[name])) for name in names)
        + " |"
        for row in rows
    ]
    heads = ["source", "photos", *(titles[name].lower() for name in names)]
    return (
        "The independent photos by where they are from. A promise that holds on average may fail "
        "for one kind of photos:\n\n" + _table(heads, lines)
    )


def _breeds(folder: Path) -> str:
    rows = _read_csv(folder / "metrics" / "per_breed.csv")
    shown = rows if len(rows) <= 20 else [*rows[:10], *rows[-10:]]
    lines = [
        f"| {row['breed']} | {row['photos']} | {100 * float(row['top_1']):.0f} % | "
        f"{100 * float(row['top_3']):.0f} % | {row['taken_for']} |"
        for row in shown
    ]
    which = "The classes" if len(shown) == len(rows) else "The ten worst and the ten best classes"
    return (
        f"## Strengths and weaknesses\n\n{which}, worst first (all of them: "
        "`metrics/per_breed.csv`):\n\n"
        + _table(["class", "photos", "top-1", "top-3", "most often taken for"], lines)
        + "\n\n![Accuracy of each class](metrics/per_breed.png)"
        "\n\n![Most confused pairs](metrics/confusions.png)"
    )


def _training(config: dict) -> str:
    training = config["training"]
    splits, options, backbone = training["splits"], training["options"], training["backbone"]
    weights = f"`{backbone['weights']}`"
    if backbone["weights"] == IMAGENET:
        weights = "Keras's ImageNet weights"
    revision = f", revision `{training['revision']}`" if training["revision"] else ""
    start = training.get("init_from")
    began = "random weights"
    if options.get("warm_start"):
        began = "the dog classes of ImageNet's own head"
    elif start:
        at = f" (commit `{start['commit']}`)" if start["commit"] else ""
        began = f"those of `{options['init_from']}`{at}"
    frozen = "frozen"
    if options["train_from"] != "avg_pool":
        frozen = f"frozen up to `{options['train_from']}`, trained above"
    return f"""## Training

- Data: `{training["dataset"]}`{revision}; {splits["train"]["photos"]:,} photos of the split \
`{splits["train"]["split"]}` to train, {splits["test"]["photos"]:,} of `{splits["test"]["split"]}` \
to test; SHA-256 of the training photos `{splits["train"]["fingerprint"][:16]}…`.
- Backbone: InceptionV3 without top, {weights}, SHA-256 of the weights \
`{backbone["fingerprint"][:16]}…`; {frozen}; features computed in {training["precision"]}.
- Head: started from {began}.
- Options: {_list(options)}.
- Chosen on validation photos: {_list(training["chosen"])}.
- Libraries: {", ".join(f"{name} {version}" for name, version in training["libraries"].items())}."""


def _limits(bundle: Bundle) -> str:
    lines = [
        "It gives one of its classes for any photo, even when it says that none of them fits.",
        "Several things in one photo, drawings, and photos in bad light were not tested.",
    ]
    if bundle.subject == DOG:
        lines = [
            "It gives one of its classes for any photo, even when it says that there is no dog.",
            "Mixed breeds, puppies, several dogs in one photo, and photos in bad light were not "
            "tested.",
            "It describes what an animal looks like. It does not prove descent, and it is not a "
            "basis for judging a dog's character, health, or price.",
        ]
    if set(bundle.labels) == {breed.label for breed in BREEDS}:
        lines.insert(
            0,
            "Stanford Dogs was drawn from ImageNet, so an ImageNet backbone has seen most of "
            "these photos, including the test photos. Like all published metrics on this dataset, "
            "those on its test photos are optimistic for that reason.",
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _table(heads: list[str], rows: list[str]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    return "\n".join([*lines, *rows])


def _list(values: dict) -> str:
    return ", ".join(f"`{name}` {value}" for name, value in values.items())


def _read_csv(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
