"""The page without a server gives the answers that Python gives, also as a table and CSV."""

import csv
import io
import statistics
from pathlib import Path

import pyarrow.parquet as parquet

from dogbreed import DogBreedClassifier
from dogbreed.errors import InvalidImageError
from dogbreed.page.batch import CSV_HEADER
from tests.helpers.made_photos import write_photos
from tests.helpers.website import WebVisit

# The measure of alike: the same first label, and how far its probability may be off.
LEAST_SAME = 0.98
MEDIAN, MOST = 0.03, 0.1
REAL_PHOTOS = 200


def answers_of_the_page(page: WebVisit, photos: list[Path]) -> list[dict[str, str]]:
    """Answer photos on the tab for several, and read the CSV."""
    page.wait_until_ready()
    page.open_tab("Several photos")
    page.page.set_input_files("#several-files", photos)
    page.page.wait_for_selector("#several-csv:enabled", timeout=3_600_000)
    with page.page.expect_download() as download:
        page.page.locator("#several-csv").click()
    assert download.value.suggested_filename == "answers.csv"
    text = download.value.path().read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def assert_alike(rows: list[dict[str, str]], photos: list[Path]) -> None:
    """Fail unless the rows are the answers that Python gives, as far as decoders allow."""
    classifier = DogBreedClassifier.from_pretrained()
    same, distances, dogs = 0, [], []
    answers = classifier.predict_each(photos, top_k=len(classifier.names))
    for row, photo, answer in zip(rows, photos, answers, strict=True):
        assert not isinstance(answer, InvalidImageError), photo
        assert row["file"] == photo.name
        same += row["breed_1"] == answer.labels[0]
        for place in (1, 2, 3):
            wanted = answer.as_dict()[row[f"breed_{place}"]]
            distances.append(abs(float(row[f"probability_{place}"]) - wanted))
        dogs.append(abs(float(row["is_dog"]) - answer.is_dog))
    print(
        f"{same} of {len(photos)} first labels are the same; probabilities are off by "
        f"{statistics.median(distances):.4f} (median), {max(distances):.4f} (most); those of a dog "
        f"by {statistics.median(dogs):.4f} (median), {max(dogs):.4f} (most)"
    )
    assert same >= LEAST_SAME * len(photos)
    assert statistics.median(distances) <= MEDIAN and max(distances) <= MOST
    assert statistics.median(dogs) <= MEDIAN and max(dogs) <= MOST


def test_fifty_photos_of_every_kind_are_answered_alike(web_visit, tmp_path):
    photos = write_photos(tmp_path / "photos")
    page = web_visit()
    rows = answers_of_the_page(page, photos)
    assert tuple(rows[0]) == CSV_HEADER
    assert page.page.locator("#several-rows tr").count() == len(photos)
    assert_alike(rows, photos)


def test_real_photos_are_answered_alike(web_visit, real_data, tmp_path):
    tables = sorted((real_data / "stanford-dogs" / "photos").glob("test-*.parquet"))
    stored = parquet.read_table(tables[0], columns=["image"])["image"]
    photos = []
    for number in range(0, len(stored), max(1, len(stored) // REAL_PHOTOS))[:REAL_PHOTOS]:
        photos.append(tmp_path / f"{number:05}.jpg")
        photos[-1].write_bytes(stored[number].as_py()["bytes"])
    assert_alike(answers_of_the_page(web_visit(), photos), photos)


def test_a_file_that_is_not_a_photo_does_not_stop_the_others(web_visit, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    photos = [tmp_path / "broken.png", *write_photos(tmp_path / "photos")[:1]]
    rows = answers_of_the_page(web_visit(), photos)
    assert rows[0]["breed_1"] == "" and "not an image" in rows[0]["note"]
    assert rows[1]["breed_1"] != ""
