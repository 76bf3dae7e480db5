"""From "no, it is a …" in the browser to a dataset on the Hub, and to what training loads."""

import json

from dogbreed.page.i18n import texts
from tests.e2e.conftest import Visit
from tests.helpers.running import running_page
from tests.helpers.shapes import LABELS, draw_shape
from tests.helpers.tiny_bundle import write_trusted

LOAD = """
import sys
from pathlib import Path
from dogbreed.train.options import Options
from dogbreed.train.pipeline import load
few = {"validation_per_class": 3, "image_size": 75}
load(Options(Path(sys.argv[2]), dataset=sys.argv[1], corrections="ann/kept", **few))
"""


def test_a_correction_reaches_the_hub_and_training(browser, hub, ann, shapes_folder, tmp_path):
    path = tmp_path / "photo.png"
    draw_shape(0, 700).save(path)
    model = write_trusted(tmp_path / "answering", subject="photo")
    words = texts("en", "photo")
    options = (f"--model={model}", "--collect=ann/kept")
    with running_page(*options, **ann.environ()) as address:
        page = Visit(browser, address)
        page.upload(path)
        page.page.locator("#correct-label input").click(timeout=60_000)
        page.page.get_by_role("option").nth(2).click()
        page.page.locator("#correct-send").click()
        page.page.get_by_text(words["correct_thanks"]).wait_for(timeout=60_000)
        assert page.page.locator("#correct-send").count() == 0
        page.open_tab(words["tab_about"])
        page.page.get_by_text(words["collect_privacy"][:60]).wait_for(timeout=30_000)
        page.context.close()
    files = hub.files("ann/kept", "dataset")
    assert hub.settings("ann/kept", "dataset")["private"]
    (table,) = [name for name in files if name.endswith("metadata.jsonl")]
    (row,) = [json.loads(line) for line in files[table].splitlines()]
    assert row["label"] in LABELS and table.replace("metadata.jsonl", row["file_name"]) in files

    # What `dogbreed train` loads before anything else; it trains with whatever that returns.
    run = ann.python(LOAD, shapes_folder, tmp_path / "model")
    assert "37 photos to train" in run.err and "1 correction of ann/kept to train" in run.err
