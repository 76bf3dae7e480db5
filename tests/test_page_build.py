"""The page as it is built: its tabs, its events, its limits, and what it loads."""

import subprocess
import sys

import gradio as gr
import pytest

from dogbreed import DogBreedClassifier
from dogbreed.page.build import build_page, launch_options, make_theme, page_texts
from dogbreed.page.i18n import texts
from dogbreed.page.limits import CONCURRENCY, MOST_PHOTOS, MOST_SESSIONS, MOST_WAITING, QUEUE
from tests.helpers.running import ROOT
from tests.helpers.tiny_bundle import write_bundle


@pytest.fixture(scope="module")
def i18n(classifier) -> gr.I18n:
    return page_texts(classifier)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> DogBreedClassifier:
    """A small bundle's."""
    path = write_bundle(tmp_path_factory.mktemp("models") / "bundle")
    return DogBreedClassifier.from_pretrained(path)


@pytest.fixture(scope="module")
def page(classifier, i18n) -> gr.Blocks:
    return build_page(classifier, i18n)


def test_it_has_five_tabs(page):
    tabs = [block.id for block in page.blocks.values() if isinstance(block, gr.Tab)]
    assert tabs == ["photo", "live", "several", "api", "about"]


def test_every_translated_text_exists(page, i18n):
    shown = [block.label for block in page.blocks.values() if getattr(block, "label", None)]
    keys = {label.key for label in shown if isinstance(label, gr.i18n.I18nData)}
    assert len(keys) > 5
    for language, words in i18n.translations_dict.items():
        assert keys <= set(words), language


def test_only_the_two_endpoints_have_names(page):
    public = {fn.api_name for fn in page.fns.values() if fn.api_visibility == "public"}
    assert public == {"predict", "details"}


def test_visitors_wait_in_one_line_of_limited_length(page):
    assert page._queue.max_size == MOST_WAITING
    # The photo, both endpoints, and several photos.
    waiting = [fn for fn in page.fns.values() if fn.concurrency_id == QUEUE]
    assert len(waiting) == 4 and {fn.concurrency_limit for fn in waiting} == {CONCURRENCY}


def test_texts_about_the_model_are_there_in_every_language(i18n):
    for words in i18n.translations_dict.values():
        assert str(MOST_PHOTOS) in words["several_how_many"] and "`inception_v3`" in words["about"]


def test_how_it_is_served(classifier, i18n):
    options = launch_options(classifier, i18n)
    assert options["max_file_size"] == "20mb"
    assert options["state_session_capacity"] == MOST_SESSIONS
    assert options["i18n"] is i18n
    assert options["css_paths"].is_file()
    assert options["head"].startswith("<script>") and options["head"].endswith("</script>")
    guard, head, _ = options["app_kwargs"]["middleware"]
    assert head.kwargs["title"] == texts()["heading"]
    # A photo of the largest size fits, also in base64, and not much more.
    assert 20_000_000 * 4 / 3 < guard.kwargs["other_bytes"] < 28_000_000
    assert guard.kwargs["upload_bytes"] >= 20_000_000
    assert not options["show_error"]
    routes = options["app_kwargs"]["routes"]
    assert [route.path for route in routes] == ["/api/predict", "/api/health"]


def test_the_theme_asks_no_other_host_for_fonts():
    assert make_theme()._stylesheets == []


def test_the_page_does_not_import_tensorflow():
    code = (
        "import sys; from dogbreed import DogBreedClassifier;"
        "from dogbreed.page.build import build_page, page_texts;"
        "classifier = DogBreedClassifier.from_pretrained();"
        "build_page(classifier, page_texts(classifier));"
        "print({'tensorflow', 'keras', 'datasets'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert run.stdout.strip().endswith("set()"), run.stderr
