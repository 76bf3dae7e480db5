"""The photo tab in a real browser."""

import base64
import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.bundle import read_bundle
from dogbreed.page.i18n import texts
from dogbreed.wording import sentence
from tests.e2e.conftest import EXAMPLES
from tests.helpers.heic import encoded
from tests.helpers.running import running_page
from tests.helpers.tiny_bundle import draw_disc


@pytest.fixture(scope="module")
def classifier():
    return DogBreedClassifier.from_pretrained()


def test_an_upload_is_answered_with_labels_sentence_link_and_evidence(visit, classifier):
    photo = EXAMPLES / "pointed.png"
    expected = classifier.predict(photo)
    page = visit()
    page.upload(photo)
    page.page.locator("#sentence .answer").wait_for()
    assert page.page.locator("#sentence").inner_text() == sentence(expected, texts())
    assert page.foreign == []


def test_evidence_is_laid_over_the_photo_and_taken_away(example_visit):
    page = example_visit()
    page.page.locator("#examples button").first.click()
    page.page.locator("#more details").wait_for()
    shown = page.page.locator("#photo img").get_attribute("src")
    page.page.locator("#show-evidence input").check()
    overlaid = page.wait_for_evidence("Red disc")
    assert picture(page, overlaid).read() != picture(page, shown).read()
    page.page.locator("#show-evidence input").uncheck()
    page.page.locator(f"#photo img[alt='{texts()['photo_alt']}']").wait_for()
    bare = Image.open(picture(page, page.page.locator("#photo img").get_attribute("src")))
    difference = np.abs(np.asarray(bare).astype(int) - np.asarray(draw_disc(200))).mean()
    assert difference < 6


def test_the_examples_of_a_training_are_answered_right(visit, trained_bundle):
    """Those that `train --examples` chose from the test photos and wrote into the bundle."""
    bundle = read_bundle(trained_bundle)
    names = dict(zip(bundle.labels, bundle.names, strict=True))
    # A file is named by a hash and its label.
    right = [names[Path(example).stem.partition("-")[2]] for example in bundle.examples]
    assert sorted(right) == sorted(bundle.names)
    with running_page(f"--model={trained_bundle}") as address:
        page = visit(address=address)
        buttons = page.page.locator("#examples button:has(img)")
        for number, name in enumerate(right):
            buttons.nth(number).click()
            page.page.locator("#sentence .answer", has_text=name.lower()).wait_for()
            assert page.labels()[0] == name


def test_evidence_does_not_stay_where_there_is_no_dog(example_visit, tmp_path):
    page = example_visit()
    page.page.locator("#examples button").first.click()
    page.page.locator("#more details").wait_for()
    page.page.locator("#show-evidence input").check()
    page.wait_for_evidence("Red disc")
    Image.new("RGB", (200, 200), "blue").save(tmp_path / "sky.png")
    page.upload(tmp_path / "sky.png")
    page.page.locator("#sentence .no-dog").wait_for()
    page.page.locator(f"#photo img[alt='{texts()['photo_alt']}']").wait_for()
    bare = Image.open(picture(page, page.page.locator("#photo img").get_attribute("src")))
    assert np.abs(np.asarray(bare).astype(int) - (0, 0, 255)).mean() < 6
    page.page.get_by_role("button", name=texts()["after_all"]).click()
    assert not page.page.locator("#show-evidence input").is_checked()


def test_on_a_phone_the_answer_needs_no_scrolling(visit):
    page = visit(viewport={"width": 360, "height": 640})
    page.upload(EXAMPLES / "golden.png")
    answer = page.page.locator("#sentence .answer")
    answer.wait_for()
    page.page.wait_for_timeout(500)
    box = answer.bounding_box()
    assert page.page.evaluate("window.scrollY") == 0 and box["y"] + box["height"] < 640


def test_a_photo_that_the_browser_cannot_show_is_shown(visit):
    page = visit()
    page.upload({"name": "IMG.HEIC", "mimeType": "image/heic", "buffer": encoded(300, 200)})
    page.page.wait_for_function("document.querySelector('#photo img')?.naturalWidth === 300")


def test_what_is_no_dog_is_said_and_the_breeds_step_back(visit, noise_photo, classifier):
    expected = classifier.predict(noise_photo)
    assert not expected.looks_like_dog
    page = visit()
    page.upload(noise_photo)
    page.page.get_by_text(texts()["no_dog"]).wait_for()
    rows = page.page.locator("#labels dt")
    assert not rows.first.is_visible()
    page.page.get_by_role("button", name=texts()["after_all"]).click()
    rows.first.wait_for()
    assert rows.all_inner_texts() == list(expected.labels)


def test_another_label_shows_other_evidence(example_visit):
    page = example_visit()
    page.page.locator("#examples button").first.click()
    labels = page.labels()
    page.page.locator("#labels .confidence-set").nth(0).click()
    first = page.wait_for_evidence(labels[0])
    page.page.locator("#labels .confidence-set").nth(1).click()
    second = page.wait_for_evidence(labels[1])
    assert picture(page, first).read() != picture(page, second).read()


@pytest.mark.parametrize("way", ["button", "keyboard"])
def test_a_picture_is_pasted(visit, classifier, way):
    photo = EXAMPLES / "spotted.png"
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.page.evaluate(
        """async (content) => {
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            const blob = new Blob([bytes], { type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        base64.b64encode(photo.read_bytes()).decode(),
    )
    if way == "button":
        page.page.get_by_role("button", name="Paste from clipboard").click()
    else:
        page.page.keyboard.press("Control+V")
    assert page.labels() == list(classifier.predict(photo).labels)


def test_a_snapshot_is_answered(visit, camera_browser, classifier):
    page = visit(camera_browser)
    page.allow_camera("#photo", page.page.get_by_role("button", name="Capture from camera").click)
    page.page.locator("#photo").get_by_role("button", name="capture photo").click()
    page.page.locator("#sentence .answer").wait_for()
    assert page.page.locator("#labels dt").count() == 3


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("text.png", b"this is no image", "This file is not an image that can be read"),
        ("small.png", None, "5×5 pixels; it needs at least 8×8"),
        ("broken.jpg", "cut", "Most of this photo is missing"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This is an SVG drawing"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(visit, noise_photo, tmp_path, name, content, told):
    path = tmp_path / name
    if content is None:
        Image.new("RGB", (5, 5)).save(path)
    elif content == "cut":
        path.write_bytes(noise_photo.read_bytes()[:2000])
    else:
        path.write_bytes(content)
    page = visit()
    page.upload(EXAMPLES / "golden.png")
    page.page.locator("#more details").wait_for()
    page.upload(path)
    page.page.get_by_text(told).wait_for()
    page.page.get_by_text(texts()["unreadable"]).wait_for()
    assert page.page.locator("#labels .confidence-set").count() == 0
    assert not page.page.locator("#breeds").is_visible()


def test_a_bad_file_is_told_in_the_language_of_the_browser(visit, tmp_path):
    path = tmp_path / "drawing.png"
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    page = visit(locale="fr-FR")
    page.upload(path)
    page.page.get_by_text("Ce format n’est pas pris en charge (SVG)").wait_for()


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (20_000_001, "This photo is larger than 20 MB"),
        (22_000_000, "exceed the maximum allowed size of 20"),
    ],
)
def test_a_file_over_20_megabytes_is_refused(visit, tmp_path, size, told):
    path = tmp_path / "large.png"
    path.write_bytes(bytes(size))
    page = visit()
    page.upload(path)
    page.page.get_by_text(told).wait_for()


def test_clearing_the_photo_clears_the_answer(visit):
    page = visit()
    page.upload(EXAMPLES / "golden.png")
    page.labels()
    page.page.get_by_role("button", name="Remove Image").click()
    page.page.locator("#sentence .answer").wait_for(state="detached")
    assert page.page.locator("#labels .confidence-set").count() == 0


@pytest.fixture
def example_visit(visit, example_address):
    """Opens the page that has an example."""
    return partial(visit, address=example_address)


def picture(page, source: str) -> io.BytesIO:
    """The file behind the address of a picture on the page."""
    return io.BytesIO(page.page.request.get(source).body())
