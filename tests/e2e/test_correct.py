"""From "no, it is a …" in the browser to a dataset on the Hub, and to what training loads."""

import json
from pathlib import Path

import pytest

from benchmarks.load import ask
from dogbreed.corrections import TABLE
from dogbreed.page.i18n import texts
from tests.e2e.conftest import Visit
from tests.e2e.test_everyone import serious
from tests.helpers.running import running_page, running_process
from tests.helpers.shapes import LABELS, draw_shape
from tests.helpers.tiny_bundle import NAMES, write_trusted

WORDS = texts("en", "photo")
LOAD = """
import sys
from pathlib import Path
from dogbreed.train.options import Options
from dogbreed.train.pipeline import load
few = {"validation_per_class": 3, "image_size": 75}
load(Options(Path(sys.argv[2]), dataset=sys.argv[1], corrections="ann/kept", **few))
"""

# A page that forgets whoever has left at once, instead of ten minutes later.
FORGETFUL = """
import sys
from dogbreed.page import sessions
sessions.KEEP_SECONDS = 0
from dogbreed.cli import main
sys.exit(main(["serve", *sys.argv[1:]]))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A small bundle with the classes of the shapes."""
    return write_trusted(tmp_path_factory.mktemp("models") / "answering", subject="photo")


@pytest.fixture
def path(tmp_path) -> Path:
    """A photo of a red disc."""
    draw_shape(0, 700).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_correction_reaches_the_hub_and_training(
    browser, hub, ann, model, path, shapes_folder, tmp_path
):
    options = (f"--model={model}", "--collect=ann/kept")
    with running_page(*options, **ann.environ()) as address:
        page = Visit(browser, address)
        page.upload(path)
        page.page.locator("#correct-label input").click(timeout=60_000)
        page.page.get_by_role("option").nth(2).click()
        page.page.locator("#correct-send").click()
        page.page.get_by_text(WORDS["correct_thanks"]).wait_for(timeout=60_000)
        assert page.page.locator("#correct-send").count() == 0
        page.open_tab(WORDS["tab_about"])
        page.page.get_by_text(WORDS["collect_privacy"][:60]).wait_for(timeout=30_000)
        page.context.close()
    files = hub.files("ann/kept", "dataset")
    assert hub.settings("ann/kept", "dataset")["private"]
    (table,) = [name for name in files if name.endswith("metadata.jsonl")]
    (row,) = [json.loads(line) for line in files[table].splitlines()]
    assert row["label"] in LABELS and table.replace("metadata.jsonl", row["file_name"]) in files

    # What `dogbreed train` loads before anything else; it trains with whatever that returns.
    run = ann.python(LOAD, shapes_folder, tmp_path / "model")
    assert "37 photos to train" in run.err and "1 correction of ann/kept to train" in run.err


@pytest.fixture(scope="module")
def collecting(chromium_path, model, tmp_path_factory):
    """The address of a page that keeps corrections, and the folder that they are in."""
    folder = tmp_path_factory.mktemp("kept")
    options = (f"--model={model}", f"--collect={folder}")
    with running_process(*options, code=FORGETFUL) as (address, _):
        yield address, folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_it_is_open(browser, collecting, path, scheme):
    page = Visit(browser, collecting[0], color_scheme=scheme)
    page.upload(path)
    page.page.locator("#correct-send").wait_for(timeout=30_000)
    page.page.wait_for_timeout(700)
    assert serious(page) == []
    page.page.locator("#correct-label input").click()
    page.page.get_by_role("option").first.wait_for()
    # The list fades in, and is pale until then.
    page.page.wait_for_timeout(700)
    assert serious(page) == []
    page.page.keyboard.press("Escape")
    page.page.locator("#correct-send").click()
    page.page.get_by_text(WORDS["correct_choose"]).wait_for()
    assert serious(page) == []
    page.context.close()


def test_it_works_by_keyboard_alone_and_is_announced(browser, collecting, path):
    address, folder = collecting
    page = Visit(browser, address)
    keyboard = page.page.keyboard

    def tab_to(selector: str) -> None:
        for _ in range(40):
            if page.page.evaluate(f"!!document.activeElement.closest('{selector}')"):
                return
            keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {selector}")

    page.upload(path)
    page.page.locator("#correct-send").wait_for(timeout=30_000)
    said = page.page.locator("#correct-said[aria-live=polite]")
    # What is not rendered is not announced when it appears.
    said.wait_for(state="attached")
    assert said.evaluate("element => element.checkVisibility()")
    tab_to("#correct-label")
    keyboard.type("green")
    # The list follows what is typed after a moment, and Enter takes its first line.
    page.page.wait_for_function("document.querySelectorAll('[role=option]').length === 1")
    keyboard.press("Enter")
    page.page.wait_for_function(
        "name => document.querySelector('#correct-label input').value === name", arg=NAMES[1]
    )
    tab_to("#correct-send")
    keyboard.press("Enter")
    page.page.get_by_text(WORDS["correct_thanks"]).wait_for()
    page.context.close()
    (row,) = [json.loads(line) for line in (folder / TABLE).read_text().splitlines()]
    assert row["label"] == LABELS[1]


def test_an_answer_is_remembered_while_the_page_is_open(browser, collecting, path):
    address, folder = collecting
    before = (folder / TABLE).read_text() if (folder / TABLE).exists() else ""
    page = Visit(browser, address)
    page.upload(path)
    page.page.locator("#correct-right").wait_for(timeout=30_000)
    for _ in range(3):
        answer = ask(address, path.read_bytes())
        assert answer is not None and answer[0] == 200
    page.page.locator("#correct-right").click()
    page.page.get_by_text(WORDS["correct_thanks"]).wait_for()
    page.context.close()
    (line,) = (folder / TABLE).read_text().removeprefix(before).splitlines()
    assert json.loads(line)["label"] == LABELS[0]
