"""The page without a server in a real browser: the camera."""

from dogbreed import DogBreedClassifier
from dogbreed.page.i18n import texts


def test_breeds_follow_the_camera_and_stop_when_the_tab_is_left(
    web_visit, camera_browser, camera_film
):
    # A film of JPEG pictures opens as its first one.
    expected = DogBreedClassifier.from_pretrained().predict(camera_film, top_k=5)
    page = web_visit(camera_browser)
    page.wait_until_ready()
    page.open_tab("Live")
    page.page.locator("#camera-button").click()
    page.page.wait_for_selector("#live-labels .name")
    labels = page.page.locator("#live-labels .name").all_inner_texts()
    # The camera scales the film, and the model is not sure of a drawing.
    assert len(set(expected.labels) & set(labels)) >= 2
    assert page.page.locator("#live-note").inner_text() == (
        "" if expected.looks_like_dog else texts()["no_dog"]
    )
    assert page.page.evaluate("document.querySelector('#camera').srcObject.active")
    page.open_tab("Photo")
    assert page.page.evaluate("document.querySelector('#camera').srcObject") is None
    assert page.foreign == []

    # A picture taken on the tab for one photo.
    page.page.locator("#use-camera").click()
    page.page.locator("#take").click()
    assert len(set(expected.labels) & set(page.labels())) >= 2
    assert page.page.evaluate("document.querySelector('#snapshot-video').srcObject") is None


def test_a_missing_camera_is_said(web_visit):
    page = web_visit()
    page.page.wait_for_selector("body.started")
    page.page.locator("#use-camera").click()
    page.page.locator("#photo-error").get_by_text(texts()["camera_missing"]).wait_for()
    page.open_tab("Live")
    page.page.locator("#camera-button").click()
    page.page.locator("#camera-error").get_by_text(texts()["camera_missing"]).wait_for()
