"""The photo tab in a real browser."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.page.i18n import texts
from dogbreed.wording import read_more_link, sentence
from tests.e2e.conftest import EXAMPLES


@pytest.fixture(scope="module")
def classifier():
    return DogBreedClassifier.from_pretrained()


def test_an_upload_is_answered_with_labels_sentence_link_and_evidence(visit, classifier):
    photo = EXAMPLES / "pointed.png"
    expected = classifier.predict(photo)
    page = visit()
    page.upload(photo)
    assert page.labels() == list(expected.labels)
    page.wait_for_evidence(expected.labels[0])
    said = page.page.locator("#sentence")
    assert sentence(expected, texts()) in said.inner_text()
    link = said.locator("a")
    assert link.get_attribute("href") == read_more_link(expected.labels[0])
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in link.get_attribute("rel")
    assert page.foreign == []


def test_what_is_no_dog_is_said_and_the_labels_are_greyed(visit, noise_photo, classifier):
    expected = classifier.predict(noise_photo)
    assert not expected.looks_like_dog
    page = visit()
    greyed = "getComputedStyle(document.querySelector('#labels')).filter"
    assert page.page.evaluate(greyed) == "none"
    page.upload(noise_photo)
    page.page.get_by_text(texts()["no_dog"]).wait_for()
    assert page.labels() == list(expected.labels)
    assert page.page.evaluate(greyed) == "grayscale(1)"


def test_another_label_shows_other_evidence(visit, classifier):
    photo = EXAMPLES / "golden.png"
    labels = classifier.predict(photo).labels
    page = visit()
    page.upload(photo)
    first = page.wait_for_evidence(labels[0])
    page.page.locator("#labels .confidence-set").nth(1).click()
    second = page.wait_for_evidence(labels[1])
    assert picture(page, first).read() != picture(page, second).read()


def test_the_overlay_can_be_taken_away(visit, classifier):
    photo = EXAMPLES / "golden.png"
    page = visit()
    page.upload(photo)
    shown = page.wait_for_evidence(classifier.predict(photo).labels[0])
    slider = page.page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("Home")
    page.page.wait_for_function(
        "old => document.querySelector('#evidence img').src !== old", arg=shown
    )
    page.page.wait_for_timeout(500)
    bare = Image.open(picture(page, page.page.locator("#evidence img").get_attribute("src")))
    wanted = Image.open(photo).convert("RGB").resize(bare.size)
    difference = sum(abs(a - b) for a, b in zip(mean_color(bare), mean_color(wanted), strict=True))
    assert difference < 6


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


def test_a_drawing_can_be_tried(visit, classifier):
    page = visit()
    page.page.locator("#examples button").first.click()
    assert page.labels() == list(classifier.predict(EXAMPLES / "golden.png").labels)


def test_a_snapshot_is_answered(visit, camera_browser, classifier):
    page = visit(camera_browser)
    page.page.get_by_role("button", name="Capture from camera").click()
    page.page.locator("#photo").get_by_role("button", name="Click to Access Webcam").click()
    page.page.wait_for_function("document.querySelector('#photo video')?.videoWidth > 0")
    page.page.locator("#photo").get_by_role("button", name="capture photo").click()
    assert len(page.labels()) == 3
    page.wait_for_evidence(page.labels()[0])


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
    page.labels()
    page.upload(path)
    page.page.get_by_text(told).wait_for(timeout=20_000)
    page.page.get_by_text(texts()["unreadable"]).wait_for(timeout=20_000)
    assert page.page.locator("#labels .confidence-set").count() == 0
    assert page.page.locator("#evidence img").count() == 0


def test_a_bad_file_is_told_in_the_language_of_the_browser(visit, tmp_path):
    path = tmp_path / "drawing.png"
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    page = visit(locale="fr-FR")
    page.upload(path)
    page.page.get_by_text("Ce format n’est pas pris en charge (SVG)").wait_for(timeout=20_000)


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
    page.page.get_by_text(texts()["waiting"]).wait_for()
    assert page.page.locator("#labels .confidence-set").count() == 0


def picture(page, source: str) -> io.BytesIO:
    """The file behind the address of a picture on the page."""
    return io.BytesIO(page.page.request.get(source).body())


def mean_color(image: Image.Image) -> list[float]:
    """Mean of each channel."""
    return list(np.asarray(image.convert("RGB")).mean(axis=(0, 1)))
