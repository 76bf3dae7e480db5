"""The Gradio page: its tabs, its look, and its limits."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from dogbreed.classifier import DogBreedClassifier
from dogbreed.corrections import Corrections
from dogbreed.page.about import about_markdown
from dogbreed.page.api import Endpoints, api_tab, connect_endpoints
from dogbreed.page.batch import batch_tab
from dogbreed.page.correct import correction_part
from dogbreed.page.guard import RequestGuard
from dogbreed.page.http_api import HttpApi, api_routes
from dogbreed.page.i18n import make_i18n, texts
from dogbreed.page.limits import (
    BODY_SECONDS,
    KEEP_SECONDS,
    MOST_PHOTOS,
    MOST_SESSIONS,
    MOST_WAITING,
    REQUEST_BYTES,
    UPLOAD_BYTES,
)
from dogbreed.page.link_preview import HeadMiddleware
from dogbreed.page.live import live_tab
from dogbreed.page.photo import photo_tab
from dogbreed.page.sessions import ConnectionMiddleware
from dogbreed.page.uploads import CheckedBlocks
from dogbreed.subject import icon

STATIC = Path(__file__).parent / "static"


def build_page(
    classifier: DogBreedClassifier,
    i18n: gr.I18n,
    auth: bool = False,
    examples: Sequence[Path] = (),
    corrections: Corrections | None = None,
) -> gr.Blocks:
    """Build the page: a photo goes in, the three most probable breeds come out.

    Args:
        classifier: The model that answers.
        i18n: The texts, see `page_texts`.
        auth: Visitors must log in; then the examples for programs do so too.
        examples: Photos that visitors can try, see `find_examples`.
        corrections: Where answers that visitors have judged are kept; None to keep none.

    Returns:
        The page; launch it with `launch_options`.
    """
    heading = texts(subject=classifier.bundle.subject)["heading"]
    page = CheckedBlocks(examples, title=heading, analytics_enabled=False)
    with page:
        gr.Markdown("# " + i18n("heading"), elem_id="heading")
        gr.Markdown(i18n("intro"), elem_id="intro")
        # Hidden; the page's script reads here which language Gradio chose.
        gr.Markdown(i18n("language"), elem_id="language")
        with gr.Tab(str(i18n("tab_photo")), id="photo"):
            answered = photo_tab(classifier, i18n, examples)
            if corrections is not None:
                correction_part(corrections, answered, i18n)
        with gr.Tab(str(i18n("tab_live")), id="live"):
            live_tab(classifier, i18n)
        with gr.Tab(str(i18n("tab_several")), id="several"):
            batch_tab(classifier, i18n)
        with gr.Tab(str(i18n("tab_api")), id="api"):
            api_tab(page, i18n, auth)
        with gr.Tab(str(i18n("tab_about")), id="about"):
            gr.Markdown(i18n("about"), elem_id="about")
        connect_endpoints(Endpoints(classifier))
    return page.queue(max_size=MOST_WAITING)


def page_texts(classifier: DogBreedClassifier, collecting: bool = False) -> gr.I18n:
    """The texts of the page in every language, those about its model included."""
    return make_i18n(
        lambda words: {
            "about": about_markdown(words, classifier, KEEP_SECONDS, collecting),
            "several_how_many": words["several_how"].format(count=MOST_PHOTOS),
        },
        classifier.bundle.subject,
    )


def launch_options(
    classifier: DogBreedClassifier,
    i18n: gr.I18n,
    root_path: str | None = None,
    proxies: Collection[str] = (),
) -> dict[str, Any]:
    """How the page is served: look, languages, limits; arguments of `gradio.Blocks.launch`.

    Args:
        classifier: The model that answers `/api/predict`.
        i18n: The texts of the page.
        root_path: The path, or the whole address, under which a proxy offers the page.
        proxies: Addresses of proxies whose `X-Forwarded-…` headers are believed; `*` for all.
    """
    words = texts(subject=classifier.bundle.subject)
    middleware = [
        RequestGuard.configured(UPLOAD_BYTES, REQUEST_BYTES, BODY_SECONDS, proxies),
        HeadMiddleware.configured(words["heading"], words["intro"], root_path),
        Middleware(ConnectionMiddleware),
    ]
    return {
        "theme": make_theme(),
        "css_paths": STATIC / "page.css",
        "head": f"<script>{(STATIC / 'page.js').read_text(encoding='utf-8')}</script>",
        "i18n": i18n,
        "favicon_path": str(icon(classifier.bundle.subject)),
        "pwa": True,
        "max_file_size": "20mb",
        "state_session_capacity": MOST_SESSIONS,
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": ["api", "settings"],
        # Only what handlers say on purpose; other errors may name the server's folders.
        "show_error": False,
        "root_path": root_path,
        "ssr_mode": False,
        "app_kwargs": {"middleware": middleware, "routes": api_routes(HttpApi(classifier))},
    }


def make_theme() -> gr.themes.Base:
    """Fonts of the visitor's own system, and colors that keep a contrast of 4.5 : 1."""
    return gr.themes.Default(
        primary_hue="teal",
        secondary_hue="teal",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        block_radius="*radius_xl",
        color_accent="*primary_700",
        link_text_color="*primary_700",
        link_text_color_hover="*primary_800",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
    )
