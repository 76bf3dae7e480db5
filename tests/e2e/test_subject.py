"""A model of flowers, as visitors meet it: nothing that they read or hear is about dogs."""

import json

import pytest
from PIL import Image

from dogbreed.bundle import read_bundle
from dogbreed.page.i18n import texts
from dogbreed.web.export import export_web
from dogbreed.web.litert import FOLDER
from tests.e2e.conftest import Visit
from tests.helpers.flowers import speaks_of_dogs, write_flowers
from tests.helpers.running import running_page
from tests.helpers.tiny_bundle import draw_disc
from tests.helpers.website import WebVisit, served

# All texts and descriptions, also those that are folded or only for screen readers and previews.
SAID = """() => {
    const said = [document.title];
    for (const each of document.querySelectorAll("meta[content], body, body *")) {
        if (["SCRIPT", "STYLE"].includes(each.tagName)) continue;
        for (const node of each.childNodes) {
            if (node.nodeType === Node.TEXT_NODE) said.push(node.data);
        }
        for (const name of ["aria-label", "alt", "title", "placeholder", "content", "value"]) {
            if (each.hasAttribute(name)) said.push(each.getAttribute(name));
        }
    }
    return said.join("\\n");
}"""
LANGUAGES = {"en": "en-US", "fr": "fr-FR"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_flowers(tmp_path_factory.mktemp("models") / "flowers")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A rose, and what is no flower."""
    folder = tmp_path_factory.mktemp("photos")
    draw_disc(200).save(folder / "rose.png")
    Image.new("RGB", (200, 200), "blue").save(folder / "sky.png")
    return folder / "rose.png", folder / "sky.png"


@pytest.fixture(scope="module")
def address(chromium_path, bundle, tmp_path_factory):
    """A page that is open to MCP clients, and that keeps corrections."""
    pytest.importorskip("mcp")
    kept = tmp_path_factory.mktemp("kept")
    with running_page(f"--model={bundle}", "--mcp", f"--collect={kept}") as address:
        yield address


@pytest.fixture(scope="module")
def website(chromium_path, bundle, tmp_path_factory):
    """The address of the page without a server."""
    folder = tmp_path_factory.mktemp("site")
    export_web(read_bundle(bundle), folder)
    if not (folder / FOLDER).is_dir():
        pytest.skip("npm cannot fetch @litertjs/core; see the log")
    with served(folder) as address:
        yield address


def assert_of_flowers(page, language: str) -> None:
    """What a page says, in its language and in what stays English in all of them."""
    said = page.evaluate(SAID)
    assert speaks_of_dogs(said) + speaks_of_dogs(said, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tab_of_the_page_is_about_flowers(camera_browser, address, photos, language):
    words = texts(language, "flower")
    visit = Visit(camera_browser, address, locale=LANGUAGES[language])
    page = visit.page
    page.get_by_role("heading", name=words["heading"]).wait_for()
    assert page.title() == texts("en", "flower")["heading"]
    assert_of_flowers(page, language)
    visit.upload(photos[0])
    page.locator("#sentence .answer").wait_for()
    page.locator("#correct-label input").wait_for()
    page.locator("#show-evidence input").check()
    visit.wait_for_evidence("Rose")
    assert_of_flowers(page, language)
    page.locator("#correct-label input").click()
    page.get_by_role("option", name=words["correct_none"]).wait_for()
    assert_of_flowers(page, language)
    page.keyboard.press("Escape")
    visit.upload(photos[1])
    page.get_by_text(words["no_dog"]).wait_for()
    page.get_by_role("button", name=words["after_all"]).wait_for()
    assert_of_flowers(page, language)
    visit.open_tab(words["tab_live"])
    page.locator("#camera button:visible").first.click()
    page.wait_for_function("document.querySelector('#camera video')?.videoWidth > 0")
    page.locator("#camera .button-wrap button:visible").first.click()
    visit.labels("#live-labels")
    assert_of_flowers(page, language)
    visit.open_tab(words["tab_several"])
    visit.upload(*photos, where="#several-files")
    table = page.locator("#several-table")
    table.get_by_text(words["no_dog"]).locator("visible=true").first.wait_for()
    assert_of_flowers(page, language)
    for tab in ("tab_api", "tab_about"):
        visit.open_tab(words[tab])
        page.wait_for_timeout(300)
        assert_of_flowers(page, language)
    visit.context.close()


def test_what_programs_and_previews_are_told_is_about_flowers(camera_browser, address):
    visit = Visit(camera_browser, address)
    page = visit.page
    get = page.request.get
    html = get(address).text()
    assert '<meta property="og:title" content="What kind of flower is this?" />' in html
    tools = get(f"{address}/gradio_api/mcp/schema").json()
    assert ["the kind of flower" in tool["description"] for tool in tools] == [True, True]
    assert [tool["name"].rpartition("_")[2] for tool in tools] == ["predict", "details"]
    for path in ("manifest.json", "openapi.json", "gradio_api/info", "gradio_api/mcp/schema"):
        assert speaks_of_dogs(json.dumps(get(f"{address}/{path}").json())) == [], path
    # Gradio's own page on the API.
    page.get_by_role("button", name="Use via API").click()
    page.get_by_text("the kind of flower").first.wait_for()
    assert_of_flowers(page, "en")
    visit.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_without_a_server_is_about_flowers(camera_browser, website, photos, language):
    words = texts(language, "flower")
    visit = WebVisit(camera_browser, website, locale=LANGUAGES[language])
    page = visit.page
    visit.wait_until_ready()
    page.get_by_role("heading", name=words["heading"]).wait_for()
    assert page.title() == words["heading"]
    assert visit.answer(photos[0])[0] == "Rose"
    assert_of_flowers(page, language)
    page.set_input_files("#photo-file", photos[1])
    page.locator("#sentence").get_by_text(words["no_dog"]).wait_for()
    assert_of_flowers(page, language)
    visit.open_tab(words["tab_live"])
    page.locator("#camera-button").click()
    page.wait_for_selector("#live-labels .name")
    assert_of_flowers(page, language)
    visit.open_tab(words["tab_several"])
    page.set_input_files("#several-files", photos)
    page.locator("#several-rows").get_by_text(words["no_dog"]).wait_for()
    assert_of_flowers(page, language)
    visit.open_tab(words["tab_about"])
    assert_of_flowers(page, language)
    manifest = page.request.get(f"{website}manifest.webmanifest").json()
    assert manifest["short_name"] == "Flower" and speaks_of_dogs(json.dumps(manifest)) == []
    visit.context.close()
