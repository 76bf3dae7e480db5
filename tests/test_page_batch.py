"""The tab for several photos: its handler, its rows, and how their numbers are rounded."""

import csv

import gradio as gr
import pytest

from dogbreed import DogBreedClassifier
from dogbreed.page.batch import (
    CSV_HEADER,
    BatchHandler,
    answer_row,
    as_table_row,
    headers,
    write_csv,
)
from dogbreed.page.i18n import texts
from dogbreed.page.limits import MOST_PHOTOS
from tests.helpers.shapes import draw_shape
from tests.helpers.tiny_bundle import write_bundle
from tests.helpers.visitor import visitor


@pytest.fixture
def classifier(tmp_path) -> DogBreedClassifier:
    """A small bundle's."""
    return DogBreedClassifier.from_pretrained(write_bundle(tmp_path / "bundle"))


@pytest.fixture
def answer(classifier, tmp_path, monkeypatch) -> BatchHandler:
    """The handler of the tab."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "files"))
    return BatchHandler(classifier, gr.DownloadButton())


@pytest.fixture
def photo(tmp_path) -> str:
    draw_shape(0, 1).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


@pytest.fixture
def row(classifier, photo) -> dict:
    """What the bundle answers to the drawing."""
    return answer_row(classifier, photo, "no dog")


def read_csv(path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_photos_are_answered_in_a_table_and_as_csv(answer, photo, row, tmp_path):
    (tmp_path / "text.png").write_text("this is not an image")
    table, download = answer([photo, str(tmp_path / "text.png")], visitor("de"))
    assert table["headers"] == headers(texts("de"))
    good, bad = table["data"]
    assert good == as_table_row(row)
    assert bad[:4] == ["text.png", "", "", ""] and "not an image that can be read" in bad[4]
    assert download["interactive"]
    rows = read_csv(download["value"])
    assert [each["file"] for each in rows] == ["photo.png", "text.png"]
    assert rows[0]["breed_1"] == row["breed_1"] and rows[1]["note"] == bad[4]


def test_no_photos_clear_the_table(answer):
    for files in (None, []):
        table, download = answer(files, visitor())
        assert table is None
        assert download["value"] is None and not download["interactive"]


def test_too_many_photos_are_refused_before_any_is_read(answer):
    with pytest.raises(gr.Error, match=f"You chose {MOST_PHOTOS + 1} photos; .* {MOST_PHOTOS} at"):
        answer(["missing.png"] * (MOST_PHOTOS + 1), visitor())


def test_a_probability_is_rounded_once(classifier, photo, row):
    exact = classifier.predict(photo).probabilities
    assert exact[0] != round(exact[0], 4)
    assert tuple(row[f"probability_{place}"] for place in (1, 2, 3)) == exact
    # By way of four digits, 0.1955, it would become 19.6%.
    cells = as_table_row(row | {"breed_1": "Newfoundland", "probability_1": 0.195472})
    assert cells[1] == "Newfoundland 19.5%"


def test_the_csv_has_four_digits_and_every_column(row, tmp_path):
    path = write_csv([row | {"probability_1": 0.195472}], tmp_path / "csv")
    (read,) = read_csv(path)
    assert tuple(read) == CSV_HEADER
    assert read["file"] == "photo.png" and read["probability_1"] == "0.1955"
    assert read["breed_1"] == row["breed_1"]
