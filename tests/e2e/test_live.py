"""The live tab in a real browser, with a camera that plays a film."""

from dogbreed import DogBreedClassifier
from dogbreed.page.i18n import texts
from tests.e2e.conftest import FLAGS


def count_frames(page) -> list[str]:
    """The addresses of frames sent from now on."""
    frames: list[str] = []
    page.page.on(
        "request",
        lambda request: (
            frames.append(request.url)
            if "/stream/" in request.url and not request.url.endswith("/close")
            else None
        ),
    )
    return frames


def test_breeds_follow_the_camera_and_stop_when_the_tab_is_left(visit, camera_browser, camera_film):
    # A film of JPEG pictures opens as its first one.
    expected = DogBreedClassifier.from_pretrained().predict(camera_film, top_k=5)
    page = visit(camera_browser)
    frames = count_frames(page)
    page.start_camera()
    # The camera scales and encodes the film anew, and the model is not sure of a drawing: the
    # order may differ, and one of the three.
    assert len(set(expected.labels) & set(page.labels("#live-labels"))) >= 2
    page.page.wait_for_timeout(1000)
    assert len(frames) > 2

    page.open_tab("Photo")
    page.page.wait_for_function("!document.querySelector('#camera video')?.srcObject?.active")
    # One frame may have been on its way.
    page.page.wait_for_timeout(500)
    sent = len(frames)
    page.page.wait_for_timeout(1000)
    assert len(frames) == sent

    page.open_tab("Live")
    page.page.wait_for_function("document.querySelector('#camera video')?.srcObject?.active")
    assert page.foreign == []


def test_the_stream_stops_when_the_page_is_hidden(visit, camera_browser):
    page = visit(camera_browser)
    frames = count_frames(page)
    page.start_camera()
    page.labels("#live-labels")
    page.page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { value: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    page.page.wait_for_timeout(500)
    sent = len(frames)
    page.page.wait_for_timeout(1000)
    assert len(frames) == sent


def test_a_missing_camera_is_told(visit):
    page = visit()
    page.open_tab("Live")
    page.page.locator("#camera").get_by_role("button", name="Click to Access Webcam").click()
    page.page.get_by_text(texts()["camera_missing"]).wait_for()


def test_a_refused_camera_is_told(visit, playwright_session, chromium_path):
    browser = playwright_session.chromium.launch(
        executable_path=chromium_path,
        args=[*FLAGS, "--use-fake-device-for-media-stream", "--deny-permission-prompts"],
    )
    page = visit(browser)
    page.open_tab("Live")
    page.page.locator("#camera").get_by_role("button", name="Click to Access Webcam").click()
    page.page.get_by_text(texts()["camera_refused"]).wait_for()
    browser.close()


def test_a_browser_without_cameras_is_told(visit):
    page = visit()
    page.page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', {})")
    page.page.reload()
    page.page.locator("#photo").wait_for()
    page.open_tab("Live")
    page.page.locator("#camera").get_by_role("button", name="Click to Access Webcam").click()
    page.page.get_by_text(texts()["camera_unsupported"]).wait_for()
