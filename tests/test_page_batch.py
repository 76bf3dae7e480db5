"""The rows of the tab for several photos, and how their figures are rounded."""

import csv

import pytest

from dogbreed import DogBreedClassifier
from dogbreed.page.batch import CSV_HEADER, answer_row, as_table_row, write_csv
from tests.helpers.shapes import draw_shape
from tests.helpers.tiny_bundle import write_bundle


@pytest.fixture
def classifier(tmp_path) -> DogBreedClassifier:
    """A small bundle's."""
    return DogBreedClassifier.from_pretrained(write_bundle(tmp_path / "bundle"))


@pytest.fixture
def photo(tmp_path) -> str:
    draw_shape(0, 1).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


@pytest.fixture
def row(classifier, photo) -> dict:
    """What the bundle answers to the drawing."""
    return answer_row(classifier, photo, "no dog")


def test_a_figure_is_rounded_once(classifier, photo, row):
    exact = classifier.predict(photo).probabilities
    assert exact[0] != round(exact[0], 4)
    assert tuple(row[f"probability_{place}"] for place in (1, 2, 3)) == exact
    # By way of four digits, 0.1955, it would become 19.6%.
    cells = as_table_row(row | {"breed_1": "Newfoundland", "probability_1": 0.195472})
    assert cells[1] == "Newfoundland 19.5%"


def test_the_csv_has_four_digits_and_every_column(row, tmp_path):
    path = write_csv([row | {"probability_1": 0.195472}], tmp_path / "csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        (read,) = csv.DictReader(file)
    assert tuple(read) == CSV_HEADER
    assert read["file"] == "photo.png" and read["probability_1"] == "0.1955"
    assert read["breed_1"] == row["breed_1"]
