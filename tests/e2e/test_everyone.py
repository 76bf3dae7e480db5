"""For everyone: small screens, dark, keyboard, screen readers, other languages."""

import pytest

from dogbreed.page.i18n import texts
from tests.e2e.conftest import EXAMPLES

TABS = ("tab_photo", "tab_live", "tab_several", "tab_api", "tab_about")


def serious(page) -> list[str]:
    """What axe-core calls a serious or critical violation, with the elements."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page.page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", TABS)
def test_axe_finds_nothing_serious(visit, scheme, tab):
    page = visit(color_scheme=scheme)
    if tab == "tab_photo":
        page.upload(EXAMPLES / "golden.png")
        page.page.locator("#sentence .answer").wait_for()
    page.open_tab(texts()[tab])
    if tab == "tab_several":
        page.upload(EXAMPLES / "golden.png", where="#several-files")
        cells = page.page.locator("#several-table").get_by_text("golden.png")
        cells.locator("visible=true").first.wait_for()
    page.page.wait_for_timeout(700)
    assert serious(page) == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("tab", TABS)
def test_nothing_is_wider_than_the_screen(visit, width, tab):
    page = visit(viewport={"width": width, "height": 740})
    if tab == "tab_photo":
        page.upload(EXAMPLES / "golden.png")
        page.page.locator("#sentence .answer").wait_for()
    page.open_tab(texts()[tab])
    page.page.wait_for_timeout(300)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_works_by_keyboard_alone(visit, example_address):
    page = visit(address=example_address)
    keyboard = page.page.keyboard
    focused = "document.activeElement"
    for _ in range(40):
        keyboard.press("Tab")
        if page.page.evaluate(f"!!{focused}.closest('#examples') && {focused}.tagName == 'BUTTON'"):
            break
    keyboard.press("Enter")
    labels = page.labels()
    for _ in range(40):
        keyboard.press("Tab")
        label = page.page.evaluate(f"{focused}.closest('#labels') ? {focused}.textContent : ''")
        if label.strip().startswith(labels[1]):
            break
    keyboard.press("Enter")
    page.wait_for_evidence(labels[1])


def test_the_answer_is_announced(visit):
    page = visit()
    said = page.page.locator("#sentence[aria-live=polite]")
    said.wait_for(state="attached")
    # What is not rendered is not announced when it appears.
    assert said.evaluate("element => element.checkVisibility()")


@pytest.mark.parametrize("locale", ["de-AT", "es-MX", "fr-CA", "pt-BR", "pt-PT", "ja-JP", "zh-CN"])
def test_it_speaks_the_language_of_the_browser(visit, locale):
    words = texts("zh-CN" if locale == "zh-CN" else locale[:2])
    page = visit(locale=locale)
    page.page.get_by_role("heading", name=words["heading"]).wait_for()
    page.upload(EXAMPLES / "golden.png")
    page.page.locator("#sentence .answer").wait_for()
    page.page.get_by_text(words["details"]).wait_for()
    page.open_tab(words["tab_about"])
    page.page.get_by_role("heading", name=words["about_privacy"]).wait_for()
    language = "zh-CN" if locale == "zh-CN" else locale[:2]
    assert page.page.evaluate("document.documentElement.lang") == language


def test_an_unknown_language_gets_english(visit):
    page = visit(locale="fi-FI")
    page.page.get_by_role("heading", name=texts()["heading"]).wait_for()
    assert page.page.evaluate("document.documentElement.lang") == "en"
