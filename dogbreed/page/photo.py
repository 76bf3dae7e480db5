"""The tab for one photo: the breeds, a sentence, and the evidence as a heatmap over the photo."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.helpers import Examples
from PIL import Image

from dogbreed.bundle import Bundle, write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import InvalidImageError
from dogbreed.heatmap import overlay, relative_evidence
from dogbreed.images import load_image
from dogbreed.page.i18n import language_of, texts
from dogbreed.page.limits import CONCURRENCY, KEEP_SECONDS, QUEUE
from dogbreed.page.refusals import refusal, said_in, shown_to_visitor
from dogbreed.page.uploads import EXAMPLES, accept_any_file
from dogbreed.prediction import Prediction
from dogbreed.subject import DOG
from dogbreed.wording import confidence, often_confused, read_more_link, sentence

# Enough for a large screen; a photo of 50 megapixels would take seconds to draw and to send.
SHOWN_SIDE = 900
STRENGTH = 0.8


@dataclass(frozen=True)
class Answered:
    """A photo and the answer to it, as the page remembers them for one visitor.

    Attributes:
        photo: Path of the uploaded file, which is deleted before this is forgotten.
        prediction: The answer.
    """

    photo: str
    prediction: Prediction


@dataclass(frozen=True)
class PhotoHandlers:
    """What the tab does when something happens.

    Some arguments mean the same everywhere: `answered` is the last photo with its answer, `chosen`
    the label whose evidence is shown, and `strength` how much of the overlay shows, in 0..1. The
    first two are None if there is none.
    """

    classifier: DogBreedClassifier

    def answer(self, photo: str | None) -> tuple[dict[str, float] | None, Answered | None]:
        """Answer a photo.

        Args:
            photo: Path of the uploaded file; None if it was taken away.

        Returns:
            The label component's value, and what the handlers that follow need.

        Raises:
            gr.Error: The photo cannot be used.
        """
        if photo is None:
            return None, None
        with shown_to_visitor():
            prediction = self.classifier.predict(photo)
        return prediction.as_dict(), Answered(photo, prediction)

    def show(
        self, answered: Answered | None, strength: float, request: gr.Request
    ) -> tuple[str, dict[str, Any], str | None]:
        """Show a new answer.

        Returns:
            The sentence as HTML, the update of the evidence, and the label that it is for.
        """
        if answered is None:
            return self._blank("waiting", request)
        best, language = answered.prediction.labels[0], language_of(request)
        evidence = self._evidence(answered, best, strength, language)
        said = answer_html(answered.prediction, language, self.classifier.bundle)
        return said, evidence, best

    def choose(
        self, answered: Answered | None, strength: float, request: gr.Request, event: gr.SelectData
    ) -> tuple[dict[str, Any], Any]:
        """Show the evidence for the label that was clicked.

        Returns:
            The update of the evidence, and the label that it is for.
        """
        if answered is None or event.value not in answered.prediction.labels:
            return gr.skip(), gr.skip()
        language = language_of(request)
        return self._evidence(answered, event.value, strength, language), event.value

    def draw(
        self, answered: Answered | None, chosen: str | None, strength: float, request: gr.Request
    ) -> dict[str, Any]:
        """Draw the evidence again, at another strength.

        Returns:
            The update of the evidence.
        """
        if answered is None or chosen is None:
            return gr.skip()
        return self._evidence(answered, chosen, strength, language_of(request))

    def refuse(self, request: gr.Request) -> tuple[str, dict[str, Any], None, None, None]:
        """Take the last answer away, since the photo cannot be used.

        Returns:
            As `show` does, then empty labels and no answer.
        """
        return *self._blank("unreadable", request), None, None

    def _blank(self, key: str, request: gr.Request) -> tuple[str, dict[str, Any], None]:
        """One of the texts in place of an answer, and no evidence."""
        words = texts(language_of(request), self.classifier.bundle.subject)
        return f"<p>{escape(words[key])}</p>", gr.update(value=None, label=words["evidence"]), None

    def _evidence(
        self, answered: Answered, label: str, strength: float, language: str
    ) -> dict[str, Any]:
        """The update of the evidence for one label."""
        words = texts(language, self.classifier.bundle.subject)
        try:
            image = load_small(answered.photo)
        except InvalidImageError as error:
            raise refusal(words["photo_gone"]) from error
        resize = self.classifier.bundle.config["preprocessing"]["resize"]
        evidence = relative_evidence(answered.prediction, label)
        return gr.update(
            value=overlay(image, evidence, resize, strength),
            label=words["evidence_for"].format(breed=label),
            alt_text=words["evidence_alt"].format(breed=label),
        )


def load_small(photo: str) -> Image.Image:
    """Load a photo at the size that is shown.

    A photo that takes time to decode is written next to the upload at that size when it is first
    loaded, for the slider, which asks for it at every step; both are deleted together.

    Args:
        photo: Path of the uploaded file.

    Raises:
        InvalidImageError: It has been deleted.
    """
    path = Path(photo)
    small = path.with_name(f"{path.name}.shown.jpg")
    if path.is_file() and small.is_file():
        return load_image(small)
    image = load_image(path, at_least=SHOWN_SIDE)
    if max(image.size) > SHOWN_SIDE:
        image.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
        with write_beside(small) as file:
            image.save(file, "JPEG", quality=95)
    return image


def answer_html(prediction: Prediction, language: str, bundle: Bundle) -> str:
    """The sentence about a prediction, what it promises, and a link to read more, as HTML.

    Args:
        prediction: The answer to a photo.
        language: One of `i18n.LANGUAGES`.
        bundle: What the prediction is from.
    """
    words = texts(language, bundle.subject)
    best = prediction.labels[0]
    articles = language == "en" and bundle.subject == DOG
    kind = "answer" if prediction.looks_like_dog else "answer no-dog"
    html = f"<p class='{kind}'>{escape(sentence(prediction, words, articles))}</p>"
    promise = confidence(prediction, words)
    note = prediction.note and said_in(language, prediction.note)
    for line in (promise, often_confused(prediction, bundle.confused, words), note):
        if line:
            html += f"<p>{escape(line)}</p>"
    return html + (
        f"<p><a href='{escape(read_more_link(best, language))}' target='_blank' rel='noopener'>"
        f"{escape(words['read_more'].format(breed=best))}</a></p>"
    )


def photo_tab(classifier: DogBreedClassifier, i18n: gr.I18n) -> None:
    """Lay out the tab and connect its events.

    Args:
        classifier: The model that answers.
        i18n: The texts.
    """
    _connect(_lay_out(i18n), PhotoHandlers(classifier))


@dataclass(frozen=True)
class _Parts:
    """The components of the tab, and its states."""

    photo: gr.Image
    button: gr.Button
    examples: Examples
    sentence: gr.HTML
    labels: gr.Label
    evidence: gr.Image
    strength: gr.Slider
    answered: gr.State
    chosen: gr.State


def _lay_out(i18n: gr.I18n) -> _Parts:
    # Served from where they are; copies among the temporary files would be deleted.
    gr.set_static_paths([EXAMPLES])
    with gr.Row():
        with gr.Column():
            photo = _photo_input(i18n)
            button = gr.Button(
                str(i18n("name_the_breed")), variant="primary", elem_id="name-the-breed"
            )
            examples = gr.Examples(
                [str(path) for path in sorted(EXAMPLES.glob("*.png"))],
                photo,
                label=str(i18n("examples")),
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
                0, 1, value=STRENGTH, step=0.1, label=i18n("strength"), elem_id="strength"
            )
    answered = gr.State(time_to_live=KEEP_SECONDS)
    return _Parts(
        photo, button, examples, said, labels, evidence, strength, answered, chosen=gr.State()
    )


def _photo_input(i18n: gr.I18n) -> gr.Image:
    photo = gr.Image(
        label=i18n("photo"),
        alt_text=str(i18n("photo_alt")),
        sources=["upload", "webcam", "clipboard"],
        type="filepath",
        image_mode=None,
        height=360,
        buttons=[],
        elem_id="photo",
    )
    accept_any_file(photo)
    return photo


def _connect(parts: _Parts, handlers: PhotoHandlers) -> None:
    # Not photo.change, which fires twice when one photo takes the place of another.
    _answer_on(partial(gr.on, [parts.photo.input, parts.button.click]), parts, handlers)
    _answer_on(parts.examples.load_input_event.success, parts, handlers)
    parts.labels.select(
        handlers.choose,
        [parts.answered, parts.strength],
        [parts.evidence, parts.chosen],
        api_visibility="private",
    )
    parts.strength.input(
        handlers.draw,
        [parts.answered, parts.chosen, parts.strength],
        parts.evidence,
        api_visibility="private",
        trigger_mode="always_last",
        show_progress="hidden",
    )


def _answer_on(trigger: Callable[..., Any], parts: _Parts, handlers: PhotoHandlers) -> None:
    """Answer the photo whenever the trigger fires, then show the answer or why there is none."""
    answered = trigger(
        handlers.answer,
        parts.photo,
        [parts.labels, parts.answered],
        concurrency_limit=CONCURRENCY,
        concurrency_id=QUEUE,
        trigger_mode="always_last",
        api_visibility="private",
    )
    answered.success(
        handlers.show,
        [parts.answered, parts.strength],
        [parts.sentence, parts.evidence, parts.chosen],
        api_visibility="private",
        show_progress="hidden",
    )
    answered.failure(
        handlers.refuse,
        None,
        [parts.sentence, parts.evidence, parts.chosen, parts.labels, parts.answered],
        api_visibility="private",
        show_progress="hidden",
    )
