"""The model card says what config.json says, in the form that the Hub reads."""

import csv
import re
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from dogbreed.bundle import CARD, DEFAULT_BUNDLE, WEIGHTS, Bundle, read_bundle
from dogbreed.subject import DOG
from dogbreed.train.report.card import model_card
from tests.helpers.flowers import speaks_of_dogs
from tests.hub.cards import problems

# What is called otherwise for a model of other photos.
OF_SHAPES = {
    "macro_top_1": "Mean top-1 accuracy over the classes",
    "dogs_refused": "Suitable photos wrongly rejected",
    "negatives_refused": "Unsuitable photos rejected at the threshold in use",
    "negatives_refused_at_1": "Unsuitable photos rejected when 1 % of the suitable photos are",
}
SHARES = {
    "top_1": "Top-1 accuracy",
    "top_3": "Top-3 accuracy",
    "macro_top_1": "Mean top-1 accuracy over the breeds",
    "ece": "Expected calibration error",
    "ece_untempered": "Expected calibration error without the temperature",
    "set_coverage": "Prediction sets that contain the true label",
    "dogs_refused": "Dog photos wrongly rejected",
    "sure": "First answers with a probability over 90 %",
    "sure_wrong": "Wrong answers among those",
    "negatives_refused": "Non-dog photos rejected at the threshold in use",
    "negatives_refused_at_1": "Non-dog photos rejected when 1 % of the dog photos are",
    "top_1_agreement": "Answers that agree with the float32 network",
    "float32_top_1": "Top-1 accuracy of the float32 network",
}


@pytest.fixture(scope="module", params=["shipped", "trained"])
def bundle(request) -> Bundle:
    """The bundle that ships, and one that train.py has just written."""
    if request.param == "shipped":
        return read_bundle(DEFAULT_BUNDLE)
    return read_bundle(request.getfixturevalue("trained_bundle"))


@pytest.fixture(scope="module")
def card(bundle) -> ModelCard:
    return ModelCard.load(bundle.path / CARD)


def table(text: str, first: str) -> list[list[str]]:
    """The rows of the Markdown table whose first heading is `first`."""
    lines = text.split(f"| {first} |", 1)[1].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip(" `") for cell in line.strip("|").split("|")])
    return rows


def test_the_card_is_made_from_the_bundle(bundle):
    assert model_card(bundle) == (bundle.path / CARD).read_text(encoding="utf-8")


def changed(bundle: Bundle, thresholds: dict, photos: int) -> str:
    """The card of the same bundle with other thresholds, settled on this many photos."""
    settled = bundle.config["training"]["settled"] | {"photos": photos, "dogs": photos}
    training = bundle.config["training"] | {"settled": settled}
    other = {"thresholds": thresholds, "training": training}
    return " ".join(model_card(Bundle(bundle.path, bundle.config | other)).split())


def test_a_bundle_without_thresholds_promises_nothing(bundle):
    card = changed(bundle, {}, 9)
    assert "was settled on 9 photos" in card
    what = "Dog" if bundle.subject == DOG else "Suitable"
    for promise in ("**Prediction sets**", "95% of the time", f"**{what} or not**"):
        assert promise in changed(bundle, bundle.config["thresholds"], 9)
        assert promise not in card


def test_few_photos_do_not_carry_one_percent(bundle):
    rule = bundle.config["thresholds"]["is_dog"]
    which, shown = "photos of dogs", "a dog"
    if bundle.subject != DOG:
        which, shown = "suitable photos", "anything the model knows"
    assert f"rejects about 1 % of {which}" in changed(bundle, {"is_dog": rule}, 2000)
    assert f"rejects about 5 % of {which}" in changed(bundle, {"is_dog": rule}, 20)
    alone = {name: rule[name] for name in ("method", "threshold")}
    card = changed(bundle, {"is_dog": alone}, 19)
    assert f"rejects about 5 % of {which}" in card
    assert f"there is no probability that a photo shows {shown}" in card


def test_the_card_of_another_model_does_not_speak_of_dogs(trained_bundle):
    bundle = read_bundle(trained_bundle)
    rule = bundle.config["thresholds"]["is_dog"]
    alone = {"is_dog": {name: rule[name] for name in ("method", "threshold")}}
    for text in (model_card(bundle), changed(bundle, alone, 19)):
        assert speaks_of_dogs(text) == []
    rose = model_card(Bundle(bundle.path, bundle.config | {"subject": "rose"}))
    assert "**Rose or not**" in rose and "| Rose photos wrongly rejected |" in rose
    assert speaks_of_dogs(rose) == []


def test_the_client_and_the_hub_read_its_metadata(bundle, card):
    assert problems((bundle.path / CARD).read_text(encoding="utf-8"), "model") == ([], [])
    data = card.data
    assert (data.license, data.library_name) == ("apache-2.0", "litert")
    assert data.pipeline_tag == "image-classification"
    assert {"dogbreed", "litert", "inception-v3"} <= set(data.tags)
    assert data.metrics == ["accuracy"]
    # A folder is not a dataset of the Hub, and Keras's backbone is not a model of it.
    assert data.datasets is None and data.base_model is None


def test_the_index_has_the_test_metrics_with_their_data_and_count(bundle, card):
    top_1, top_3 = bundle.headline
    results = card.data.eval_results
    assert [(r.metric_name, r.metric_value) for r in results] == [
        ("Top-1 accuracy", round(top_1["value"], 4)),
        ("Top-3 accuracy", round(top_3["value"], 4)),
    ]
    for result in results:
        assert (result.dataset_type, result.dataset_split) == (top_1["dataset"], top_1["split"])
        assert result.dataset_name == f"{top_1['dataset']} ({top_1['count']} photos)"


def test_every_metric_of_the_table_is_in_the_config(bundle, card):
    rows = table(card.text, "metric")
    metrics = bundle.config["metrics"]
    titles = SHARES if bundle.subject == DOG else SHARES | OF_SHAPES
    assert len(rows) == len(metrics)
    for (name, value, data, count), metric in zip(rows, metrics, strict=True):
        if metric["name"] in titles:
            assert (name, value) == (titles[metric["name"]], f"{100 * metric['value']:.2f} %")
        else:
            assert float(value) == pytest.approx(metric["value"], rel=5e-3)
        assert data.replace("`", "") == f"{metric['dataset']}, {metric['split']}"
        assert int(count) == metric["count"]


def test_how_far_to_trust_it_is_said_with_its_tables(bundle, card):
    thresholds = bundle.config["thresholds"]
    assert f"temperature {bundle.config['temperature']:.3f}" in card.text
    assert f"the score `{thresholds['is_dog']['method']}`" in card.text
    for first, name in (("score", "rejection_scores"), ("subject", "negatives")):
        with (bundle.path / "metrics" / f"{name}.csv").open(encoding="utf-8") as file:
            measured = list(csv.DictReader(file))
        rows = table(card.text, first)
        assert [row[0] for row in rows] == [next(iter(row.values())) for row in measured]
    refused = bundle.metrics["negatives_refused"]
    assert sum(int(row[2]) for row in table(card.text, "subject")) == round(
        refused["value"] * refused["count"]
    )


def test_the_breeds_are_those_of_the_measured_table(bundle, card):
    with (bundle.path / "metrics" / "per_breed.csv").open(encoding="utf-8") as file:
        measured = {row["breed"]: row for row in csv.DictReader(file)}
    rows = table(card.text, "class")
    assert len(rows) == min(len(measured), 20)
    for name, photos, top_1, top_3, taken_for in rows:
        expected = measured[name]
        assert (photos, taken_for) == (expected["photos"], expected["taken_for"])
        assert top_1 == f"{100 * float(expected['top_1']):.0f} %"
        assert top_3 == f"{100 * float(expected['top_3']):.0f} %"


def test_the_training_is_described_as_it_was(bundle, card):
    training = bundle.config["training"]
    for group in ("options", "chosen"):
        for name, value in training[group].items():
            assert f"`{name}` {value}" in card.text
    for name, version in training["libraries"].items():
        assert f"{name} {version}" in card.text
    assert f"{training['splits']['train']['photos']:,} photos of the split" in card.text
    assert training["backbone"]["fingerprint"][:16] in card.text


def test_its_pictures_and_commands_are_those_of_the_bundle(bundle, card):
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", card.text)
    # The included bundle is older than the plot of wrong answers over answers given.
    assert len(pictures) == 5 + ("metrics/risk.png" in bundle.config["files"])
    assert all((bundle.path / Path(picture)).is_file() for picture in pictures)
    assert 'DogBreedClassifier.from_pretrained("USER/MODEL")' in card.text
    assert "python -m dogbreed predict photo.jpg --model USER/MODEL" in card.text
    assert ("--init-from USER/MODEL" in card.text) == (WEIGHTS in bundle.config["files"])


def test_a_model_that_continues_from_another_names_it(bundle):
    start = {"address": "ann/dogs@v1", "commit": "c" * 40, "fingerprint": "f" * 64}
    training = bundle.config["training"] | {"init_from": start}
    training["options"] = training["options"] | {"init_from": "ann/dogs@v1"}
    card = ModelCard(model_card(Bundle(bundle.path, bundle.config | {"training": training})))
    assert card.data.to_dict()["base_model"] == "ann/dogs"
    assert card.data.to_dict()["base_model_relation"] == "finetune"
    assert f"started from those of `ann/dogs@v1` (commit `{'c' * 40}`)" in card.text
