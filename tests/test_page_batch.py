"""The tab for several photos: its handler, its rows, and how their numbers are rounded."""

import csv
from dataclasses import replace

import gradio as gr
import pytest
from gradio.utils import get_upload_folder

from dogbreed import DogBreedClassifier
from dogbreed.page.batch import (
    CSV_HEADER,
    BatchHandler,
    as_row,
    as_table_row,
    headers,
    write_csv,
)
from dogbreed.page.i18n import texts
from dogbreed.page.limits import MOST_PHOTOS
from dogbreed.page.refusals import GONE
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
    return BatchHandler(classifier)


@pytest.fixture
def photo(tmp_path) -> str:
    draw_shape(0, 1).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


@pytest.fixture
def row(classifier, photo) -> dict:
    """What the bundle answers to the drawing."""
    return as_row(photo, classifier.predict(photo))


def read_csv(path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_photos_are_answered_in_a_table_and_as_csv(answer, photo, row, tmp_path):
    (tmp_path / "text.png").write_text("this is not an image")
    table, download = answer([photo, str(tmp_path / "text.png")], visitor("de"))
    assert table["headers"] == headers(texts("de"))
    good, bad = table["data"]
    assert good == as_table_row(row)
    assert bad[:4] == ["text.png", "", "", ""] and "kein lesbares Bild" in bad[4]
    assert download["interactive"]
    rows = read_csv(download["value"])
    assert [each["file"] for each in rows] == ["photo.png", "text.png"]
    assert rows[0]["breed_1"] == row["breed_1"] and rows[1]["note"] == bad[4]


def test_one_file_that_is_no_photo_does_not_refuse_the_others(answer, photo, tmp_path):
    names = ["raw.dng", "new.jxl", "old.jp2", "deleted.png"]
    for name in names[:3]:
        (tmp_path / name).write_bytes(b"a format of its own")
    gone = f"{get_upload_folder()}/deleted.png"
    files = [photo, *(str(tmp_path / name) for name in names[:3]), gone, photo]
    table, _ = answer(files, visitor())
    assert [row[0] for row in table["data"]] == ["photo.png", *names, "photo.png"]
    assert all(row[1] and not row[4] for row in (table["data"][0], table["data"][5]))
    assert all(row[4] and not row[1] for row in table["data"][1:5])
    assert table["data"][4][4] == GONE


def test_no_photos_clear_the_table(answer):
    for files in (None, []):
        table, download = answer(files, visitor())
        assert table is None
        assert download["value"] is None and not download["interactive"]


def test_too_many_photos_are_refused_before_any_is_read(answer):
    with pytest.raises(gr.Error, match=f"You chose {MOST_PHOTOS + 1} photos; .* {MOST_PHOTOS} at"):
        answer(["missing.png"] * (MOST_PHOTOS + 1), visitor())


def test_what_is_to_be_said_about_a_photo_is_its_note(classifier, photo):
    answer = replace(classifier.predict(photo), note="The last third is missing.")
    assert as_row(photo, answer)["note"] == "The last third is missing."
    answer = replace(answer, looks_like_dog=False)
    assert as_row(photo, answer)["note"] == f"{texts()['no_dog']} The last third is missing."


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
