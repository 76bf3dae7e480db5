"""The tab about the model."""

import re

import pytest

from dogbreed import DogBreedClassifier
from dogbreed.page.about import about_markdown, metrics_table, origin
from dogbreed.page.i18n import LANGUAGES, texts
from tests.helpers.tiny_bundle import make_config, write_bundle, write_trusted


def metric(name: str, value: float, split: str = "test") -> dict:
    return {"name": name, "value": value, "dataset": "shapes", "split": split, "count": 12}


@pytest.fixture
def classifier(tmp_path) -> DogBreedClassifier:
    """A small bundle's."""
    path = write_trusted(tmp_path / "shapes-model", metrics=[metric("top_1", 0.912)])
    return DogBreedClassifier.from_pretrained(path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_the_model_its_accuracy_its_limits_and_what_happens_to_photos(
    classifier, language
):
    words = texts(language)
    text = about_markdown(words, classifier, keep_seconds=600)
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    keys = ("about_model", "about_accuracy", "about_limits", "about_privacy")
    assert headings == [words[key] for key in keys]
    assert "`shapes-model`" in text and "`inception_v3`" in text
    assert "91.2%" in text and "`shapes/test` | 12 |" in text
    assert words["about_engine"].format(engine="LiteRT") in text
    assert words["about_limits_text"] in text
    assert words["about_privacy_text"].format(minutes=10) in text
    assert not re.search(r"{\w+}", text)


def test_the_folder_of_the_model_is_named_but_not_where_it_is(classifier):
    assert origin(classifier) == "shapes-model"
    text = about_markdown(texts(), classifier, 600)
    assert str(classifier.bundle.path.parent) not in text


def test_only_what_was_measured_on_test_photos_is_shown():
    config = make_config() | {
        "thresholds": {"prediction_set": {"coverage": 0.9}},
        "metrics": [
            metric("top_1", 0.5, split="validation"),
            metric("set_size", 1.234),
            metric("set_coverage", 0.905),
            metric("cross_entropy", 0.3),
        ],
    }
    _, _, *rows = metrics_table(texts(), config).splitlines()
    assert rows == [
        "| Breeds named with 90% confidence, on average | 1.23 | `shapes/test` | 12 |",
        "| The correct breed is among those named with 90% confidence | 90.5% "
        "| `shapes/test` | 12 |",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_promises_that_photos_like_the_training_photos_settled_are_qualified(tmp_path, language):
    words = texts(language)
    thresholds = {
        "prediction_set": {"coverage": 0.95, "threshold": 0.9, "penalty": 0, "free_ranks": 1}
    }
    settled = {"photos": 100, "dogs": 100, "on": "photos", "notes": []}

    def text(name: str, **training: object) -> str:
        bundle = write_bundle(tmp_path / name, thresholds=thresholds, training=training)
        return about_markdown(words, DogBreedClassifier.from_pretrained(bundle), 600)

    assert words["about_settled_alike"] in text("alike", settled=settled, options={})
    independent = {"independent": "ann/others"}
    assert words["about_settled_alike"] not in text("new", settled=settled, options=independent)
    assert words["about_settled_alike"] not in text("unknown")


def test_a_model_without_metrics_says_so(tmp_path):
    classifier = DogBreedClassifier.from_pretrained(write_bundle(tmp_path / "bundle"))
    text = about_markdown(texts(), classifier, 600)
    assert texts()["about_no_metrics"] in text and "| ---" not in text
    assert "`?`" in text
