"""The page without a server in a real browser: one photo, offline, for everyone."""

import base64
import json
import os
import shutil

import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.bundle import DEFAULT_BUNDLE, read_bundle
from dogbreed.page.i18n import texts
from dogbreed.web.export import LOCALES, export_web
from dogbreed.web.litert import CDN, FILES, FOLDER
from dogbreed.wording import read_more_link, sentence
from tests.e2e.conftest import EXAMPLES
from tests.e2e.test_everyone import serious
from tests.helpers.website import WebVisit, served

TABS = ("tab_photo", "tab_live", "tab_several", "tab_about")
OWN = json.loads((LOCALES / "en.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def classifier():
    return DogBreedClassifier.from_pretrained()


def test_a_photo_is_answered_as_python_does_it(web_visit, classifier):
    photo = EXAMPLES / "pointed.png"
    expected = classifier.predict(photo)
    page = web_visit()
    assert page.answer(photo) == list(expected.labels)
    values = page.page.locator("#labels .value").all_inner_texts()
    for value, probability in zip(values, expected.probabilities, strict=True):
        assert float(value.removesuffix("%")) / 100 == pytest.approx(probability, abs=0.005)
    assert page.page.locator("#sentence").inner_text() == sentence(expected, texts())
    assert page.page.locator("#photo.no-dog").count() == (not expected.looks_like_dog)
    link = page.page.locator("#more a")
    assert link.get_attribute("href") == read_more_link(expected.labels[0])

    # Another label shows other evidence.
    first = page.layer()
    assert max(first) > 100
    page.page.locator("#labels button").nth(1).click()
    described = texts()["evidence_alt"].format(breed=expected.labels[1])
    assert page.page.locator("#evidence").get_attribute("aria-label") == described
    assert page.layer() != first
    page.page.locator("#strength").fill("0")
    assert page.page.locator("#evidence").evaluate("each => each.style.opacity") == "0"
    assert page.foreign == []


def test_it_works_without_a_network_after_the_first_visit(browser, website, web_visit, classifier):
    photo = EXAMPLES / "golden.png"
    with served(website) as address:
        page = web_visit(address=address)
        page.wait_until_kept()
    # The server has stopped; so has every other one.
    page.context.set_offline(True)
    page.page.reload()
    assert page.answer(photo) == list(classifier.predict(photo).labels)
    # The service worker isolates the page, so that it may use threads from now on.
    assert page.page.evaluate("crossOriginIsolated")


def test_an_isolated_page_uses_threads(web_visit, website):
    with served(website, isolated=True) as address:
        page = web_visit(address=address)
        page.wait_until_ready()
        cores = page.page.evaluate("navigator.hardwareConcurrency")
        threads = OWN["runtime"].format(accelerator="WebAssembly", threads=min(cores, 4))
        assert page.page.locator("#about-runtime").text_content() == threads


def test_a_pasted_and_a_dropped_photo_are_answered(web_visit):
    page = web_visit()
    assert not page.page.locator("#examples").is_visible()
    page.answer(EXAMPLES / "golden.png")
    photo = base64.b64encode((EXAMPLES / "golden.png").read_bytes()).decode()
    first = page.labels()
    for kind, target in (("paste", "document"), ("drop", "document.querySelector('#photo')")):
        page.page.evaluate(
            f"""() => {{
                const blob = Uint8Array.from(atob("{photo}"), (each) => each.charCodeAt(0));
                const transfer = new DataTransfer();
                transfer.items.add(new File([blob], "dog.png", {{ type: "image/png" }}));
                const event = "{kind}" === "paste"
                    ? new ClipboardEvent("paste", {{ clipboardData: transfer, bubbles: true }})
                    : new DragEvent("drop", {{ dataTransfer: transfer, bubbles: true }});
                {target}.dispatchEvent(event);
            }}"""
        )
        assert page.page.locator("#photo.answered").count() == 0
        assert page.labels() == first


def test_what_cannot_be_used_is_said_in_one_sentence(web_visit, tmp_path):
    (tmp_path / "text.png").write_bytes(b"this is not an image")
    Image.new("RGB", (5, 6)).save(tmp_path / "small.png")
    page = web_visit()
    page.answer(EXAMPLES / "golden.png")
    too_small = OWN["too_small"].format(width=5, height=6, least=8)
    for name, said in (("text.png", OWN["not_image"]), ("small.png", too_small)):
        page.page.set_input_files("#photo-file", tmp_path / name)
        page.page.get_by_text(said).wait_for()
        assert page.page.locator("#sentence").inner_text() == texts()["unreadable"]
        assert page.page.locator("#labels li").count() == 0


def test_a_damaged_download_is_said_and_not_used(web_visit, website, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(website, site, copy_function=os.link)
    model = site / "model" / "model.tflite"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.unlink()
    model.write_bytes(content)
    with served(site) as address:
        page = web_visit(address=address)
        page.page.locator("#status").get_by_text(OWN["load_failed"]).wait_for()
        page.page.set_input_files("#photo-file", EXAMPLES / "golden.png")
        page.page.locator("#photo-error").get_by_text(OWN["load_failed"]).wait_for()
        assert page.page.locator("#labels li").count() == 0


def test_without_npm_the_page_takes_the_library_from_the_cdn(
    browser, website, classifier, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", "")
    export_web(read_bundle(DEFAULT_BUNDLE), tmp_path / "site")
    names = {file.address: name for name, file in FILES.items()}
    asked = set()

    def deliver(route) -> None:
        name = names[route.request.url]
        asked.add(name)
        headers = {"access-control-allow-origin": "*"}
        route.fulfill(path=website / FOLDER / name, headers=headers)

    context = browser.new_context(service_workers="block")
    context.route(f"{CDN}**", deliver)
    with served(tmp_path / "site") as address:
        page = context.new_page()
        page.set_default_timeout(WebVisit.PATIENCE)
        page.goto(address)
        page.set_input_files("#photo-file", EXAMPLES / "golden.png")
        page.wait_for_selector("#photo.answered")
        labels = page.locator("#labels .name").all_inner_texts()
    context.close()
    assert labels == list(classifier.predict(EXAMPLES / "golden.png").labels)
    build = {"litert_wasm_internal.js", "litert_wasm_internal.wasm"}
    assert asked == {"litert_core.js", "litert_wasm_utils.js", *build}


def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(web_visit):
    page = web_visit(viewport={"width": 360, "height": 740})
    page.answer(EXAMPLES / "golden.png")
    page.open_tab(texts()["tab_several"])
    page.page.set_input_files("#several-files", [EXAMPLES / "golden.png"])
    page.page.wait_for_selector("#several-csv:enabled")
    for tab in TABS:
        page.open_tab(texts()[tab])
        for scheme in ("light", "dark"):
            page.page.emulate_media(color_scheme=scheme)
            page.page.wait_for_timeout(300)
            assert serious(page) == [], (tab, scheme)
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 360, tab


def test_it_works_by_keyboard_alone(web_visit):
    page = web_visit()
    page.wait_until_ready()
    keyboard, focused = page.page.keyboard, "document.activeElement"

    def go_to(found: str) -> None:
        for _ in range(30):
            keyboard.press("Tab")
            if page.page.evaluate(found):
                return
        raise AssertionError(f"nothing with the focus is {found}")

    go_to(f"{focused}.id === 'photo-file'")
    with page.page.expect_file_chooser() as chooser:
        keyboard.press("Space")
    chooser.value.set_files(EXAMPLES / "golden.png")
    labels = page.labels()
    keyboard.press("Shift+Tab")
    page.page.locator("#tab-photo").focus()
    go_to(f"{focused}.textContent.startsWith({json.dumps(labels[1])})")
    keyboard.press("Enter")
    assert labels[1] in page.page.locator("#evidence-for").inner_text()
    page.page.locator("#tab-photo").focus()
    keyboard.press("ArrowLeft")
    assert page.page.get_by_role("tab", name="About").get_attribute("aria-selected") == "true"
    assert page.page.get_by_role("heading", name=texts()["about_accuracy"]).is_visible()


def test_it_speaks_the_language_of_the_browser(web_visit, classifier):
    words = texts("de")
    page = web_visit(locale="de-AT")
    page.page.get_by_role("heading", name=words["heading"]).wait_for()
    assert page.page.evaluate("document.documentElement.lang") == "de"
    page.open_tab(words["tab_about"])
    about = page.page.locator("#about").inner_text()
    own = json.loads((LOCALES / "de.json").read_text(encoding="utf-8"))
    assert own["privacy_text"] in about and words["about_limits_text"] in about
    # The metrics are those of the bundle.
    metric = classifier.bundle.metrics["top_1"]
    assert f"{100 * metric['value']:.1f}".replace(".", ",") in about
    assert f"{metric['dataset']}/{metric['split']}" in about
