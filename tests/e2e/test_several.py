"""The tab for several photos in a real browser."""

import csv
import io

from dogbreed import DogBreedClassifier
from dogbreed.page.batch import CSV_HEADER
from tests.e2e.conftest import EXAMPLES


def test_several_photos_give_a_table_and_the_same_as_csv(visit, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    # Its suffix is unknown to Gradio, which refused all photos then.
    raw = tmp_path / "raw.dng"
    raw.write_bytes(b"no image either")
    photos = [EXAMPLES / "golden.png", broken, EXAMPLES / "spotted.png", raw]
    classifier = DogBreedClassifier.from_pretrained()
    page = visit()
    page.open_tab("Several photos")
    page.upload(*photos, where="#several-files")

    def shown(text: str):
        # Gradio measures its columns with a second, hidden table.
        table = page.page.locator("#several-table")
        return table.get_by_text(text).locator("visible=true").first

    shown("broken.png").wait_for(timeout=30_000)
    for photo in (photos[0], photos[2]):
        prediction = classifier.predict(photo)
        cell = f"{prediction.labels[0]} {prediction.probabilities[0]:.1%}"
        shown(cell).wait_for()
    shown("This file is not an image").wait_for()

    with page.page.expect_download() as download:
        page.page.locator("#several-csv").click()
    assert download.value.suggested_filename == "answers.csv"
    text = download.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == CSV_HEADER
    assert [row["file"] for row in rows] == [path.name for path in photos]
    assert [row["breed_1"] for row in rows] == [
        classifier.predict(photos[0]).labels[0],
        "",
        classifier.predict(photos[2]).labels[0],
        "",
    ]
    assert "not an image" in rows[1]["note"]
