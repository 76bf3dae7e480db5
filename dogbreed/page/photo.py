"""The tab for one photo: labels, a sentence, and the evidence laid over the photo."""

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData

from dogbreed.classifier import DogBreedClassifier, Prediction
from dogbreed.errors import InvalidImageError
from dogbreed.heatmap import overlay, relative_evidence
from dogbreed.images import load_image
from dogbreed.page.i18n import language_of, texts
from dogbreed.wording import as_json, confidence, read_more_link, sentence

EXAMPLES = Path(__file__).parent / "static" / "examples"
# Enough for a large screen; a photo of 50 megapixels would take seconds to draw and to send.
_SHOWN_SIDE = 900
# One for each core of a small machine; who comes later waits in Gradio's queue and sees his place.
CONCURRENCY = 2


def photo_tab(classifier: DogBreedClassifier, i18n: gr.I18n, keep_seconds: int) -> None:
    """Lay out the tab and connect its events; `/predict` is the one that programs may call.

    Args:
        classifier: The model that answers.
        i18n: The texts.
        keep_seconds: How long an answer may be asked about again.
    """
    resize = classifier.bundle.config["preprocessing"]["resize"]

    def predict(photo: str | None) -> dict[str, float] | None:
        """Name the breed of the dog in a photo.

        Looks at one photo of a dog and gives the three most probable breeds, each with its
        probability between 0 and 1. It always answers with breeds, also when the photo shows
        no dog at all; ask `details` whether it does.

        Args:
            photo: A photo in JPEG, PNG, WebP, GIF, BMP or TIFF, at most 20 MB and 50 megapixels.

        Returns:
            The three most probable breeds, best first, with their probabilities.
        """
        return answer(photo)[0]

    def details(photo: str | None) -> dict | None:
        """Name the breed of the dog in a photo, and say how far to trust the answer.

        Tells whether the photo looks like a dog at all, with the probability `is_dog`; the three
        most probable breeds with their probabilities; and the `prediction_set`, the breeds that
        hold the true one with the confidence `coverage`.

        Args:
            photo: A photo in JPEG, PNG, WebP, GIF, BMP or TIFF, at most 20 MB and 50 megapixels.

        Returns:
            The answer as one JSON object.
        """
        prediction = answer(photo)[1]
        return prediction and as_json(prediction, classifier.bundle)

    def answer(photo: str | None) -> tuple[dict[str, float] | None, Prediction | None]:
        if photo is None:
            return None, None
        try:
            prediction = classifier.predict(photo)
        except InvalidImageError as error:
            raise gr.Error(str(error), duration=None, print_exception=False) from error
        return prediction.as_dict(), prediction

    def show(
        photo: str | None, prediction: Prediction | None, strength: float, request: gr.Request
    ) -> tuple[str, dict, str | None]:
        language = language_of(request)
        if photo is None or prediction is None:
            return blank(request)
        best = prediction.labels[0]
        said = answer_html(prediction, language)
        return said, evidence_image(photo, prediction, best, strength, language), best

    def choose(
        photo: str | None,
        prediction: Prediction | None,
        strength: float,
        request: gr.Request,
        event: gr.SelectData,
    ) -> tuple[dict, str | None]:
        if photo is None or prediction is None or event.value not in prediction.labels:
            return gr.skip(), gr.skip()
        language = language_of(request)
        return evidence_image(photo, prediction, event.value, strength, language), event.value

    def draw(
        photo: str | None,
        prediction: Prediction | None,
        chosen: str | None,
        strength: float,
        request: gr.Request,
    ) -> dict:
        if photo is None or prediction is None or chosen is None:
            return gr.skip()
        return evidence_image(photo, prediction, chosen, strength, language_of(request))

    def evidence_image(
        photo: str, prediction: Prediction, label: str, strength: float, language: str
    ) -> dict:
        try:
            image = load_image(photo)
        except InvalidImageError as error:
            raise gr.Error(texts(language)["photo_gone"], print_exception=False) from error
        image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
        words = texts(language)
        return gr.update(
            value=overlay(image, relative_evidence(prediction, label), resize, strength),
            label=words["evidence_for"].format(breed=label),
            alt_text=words["evidence_alt"].format(breed=label),
        )

    def blank(request: gr.Request, key: str = "waiting") -> tuple[str, dict, None]:
        words = texts(language_of(request))
        return f"<p>{escape(words[key])}</p>", gr.update(value=None, label=words["evidence"]), None

    def refuse(request: gr.Request) -> tuple[str, dict, None, None, None]:
        return *blank(request, "unreadable"), None, None

    with gr.Row():
        with gr.Column():
            photo = gr.Image(
                label=i18n("photo"),
                alt_text=i18n("photo_alt"),
                sources=["upload", "webcam", "clipboard"],
                type="filepath",
                image_mode=None,
                height=360,
                buttons=[],
                elem_id="photo",
            )
            photo.preprocess = as_uploaded
            button = gr.Button(i18n("name_the_breed"), variant="primary", elem_id="name-the-breed")
            examples = gr.Examples(
                [str(path) for path in sorted(EXAMPLES.glob("*.png"))],
                photo,
                label=i18n("examples"),
                elem_id="examples",
                api_visibility="private",
            )
        with gr.Column():
            said = gr.HTML(f"<p>{texts()['waiting']}</p>", elem_id="sentence")
            labels = gr.Label(
                label=i18n("breeds"), num_top_classes=3, show_heading=False, elem_id="labels"
            )
            gr.Markdown(i18n("choose_breed"), elem_id="choose-breed")
            evidence = gr.Image(
                label=i18n("evidence"),
                interactive=False,
                height=360,
                format="jpeg",
                buttons=["download", "fullscreen"],
                elem_id="evidence",
            )
            strength = gr.Slider(
                0, 1, value=0.8, step=0.1, label=i18n("strength"), elem_id="strength"
            )
    prediction = gr.State(time_to_live=keep_seconds)
    chosen = gr.State()

    def connect(trigger: Callable) -> None:
        answered = trigger(
            answer,
            photo,
            [labels, prediction],
            concurrency_limit=CONCURRENCY,
            concurrency_id="predict",
            trigger_mode="always_last",
            api_visibility="private",
        )
        answered.success(
            show,
            [photo, prediction, strength],
            [said, evidence, chosen],
            api_visibility="private",
            show_progress="hidden",
        )
        answered.failure(
            refuse,
            None,
            [said, evidence, chosen, labels, prediction],
            api_visibility="private",
            show_progress="hidden",
        )

    # Not photo.change, which fires twice when one photo takes the place of another.
    connect(partial(gr.on, [photo.input, button.click]))
    connect(examples.load_input_event.success)
    # For programs alone: MCP clients cannot call what also keeps a state.
    for function, output in ((predict, labels), (details, gr.JSON(visible=False))):
        gr.Button(visible=False).click(
            function,
            photo,
            output,
            api_name=function.__name__,
            concurrency_limit=CONCURRENCY,
            concurrency_id="predict",
        )
    labels.select(
        choose, [photo, prediction, strength], [evidence, chosen], api_visibility="private"
    )
    strength.input(
        draw,
        [photo, prediction, chosen, strength],
        evidence,
        api_visibility="private",
        trigger_mode="always_last",
        show_progress="hidden",
    )


def as_uploaded(payload: ImageData | None) -> str | None:
    """The path of an uploaded file, untouched, so that `images` alone decides about it.

    `gradio.Image` opens the file itself and fails on a broken one without a sentence for people.
    """
    return None if payload is None else payload.path


def answer_html(prediction: Prediction, language: str, link: bool = True) -> str:
    """The sentence about a prediction, with a link to read more, as HTML."""
    words = texts(language)
    best = prediction.labels[0]
    kind = "answer" if prediction.looks_like_dog else "answer no-dog"
    html = f"<p class='{kind}'>{escape(sentence(prediction, words, language == 'en'))}</p>"
    promise = confidence(prediction, words)
    if promise:
        html += f"<p>{escape(promise)}</p>"
    if link:
        html += (
            f"<p><a href='{escape(read_more_link(best))}' target='_blank' rel='noopener'>"
            f"{escape(words['read_more'].format(breed=best))}</a></p>"
        )
    return html
