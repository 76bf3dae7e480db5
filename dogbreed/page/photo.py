"""The tab for one photo: the answer beside it, and the evidence as a heatmap over it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.helpers import Examples
from PIL import Image

from dogbreed.bundle import write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import InvalidImageError
from dogbreed.heatmap import overlay, relative_evidence
from dogbreed.images import load_image
from dogbreed.page.answer import headline_html, more_html
from dogbreed.page.camera import rear_camera
from dogbreed.page.i18n import language_of, texts
from dogbreed.page.limits import CONCURRENCY, KEEP_SECONDS, QUEUE
from dogbreed.page.refusals import GONE, refusal, shown_to_visitor
from dogbreed.page.uploads import accept_any_file
from dogbreed.prediction import Prediction

# Enough for a large screen; a photo of 50 megapixels would take seconds to draw and to send.
SHOWN_SIDE = 900
STRENGTH = 0.8
# Of a photo that is taken.
_TAKEN = (1920, 1440)

# Updates of the sentence, the box of breeds, what is below it and the photo, the chosen label, and
# the update of the box that lays evidence over the photo.
Shown = tuple[str, dict[str, Any], str, dict[str, Any], str | None, Any]


@dataclass(frozen=True)
class Answered:
    """A photo and the answer to it, as the page remembers them for one visitor.

    Attributes:
        photo: Path of the uploaded file, which is deleted at about the time this is forgotten.
        prediction: The answer.
    """

    photo: str
    prediction: Prediction


@dataclass(frozen=True)
class PhotoHandlers:
    """What the tab does when something happens.

    Some arguments mean the same everywhere: `answered` is the last photo with its answer, `chosen`
    the label whose evidence is shown, both None if there is none; `overlaid` is whether the
    evidence is laid over the photo.
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

    def show(self, answered: Answered | None, overlaid: bool, request: gr.Request) -> Shown:
        """Show a new answer.

        Returns:
            The updates of what is around the labels, the label that evidence is for, and the box
            that lays evidence over the photo. Where the breeds step back so does the evidence,
            since the box to take it away is folded with them.
        """
        if answered is None:
            return self._blank("", request)
        prediction, language = answered.prediction, language_of(request)
        bundle, best = self.classifier.bundle, prediction.labels[0]
        words = texts(language, bundle.subject)
        is_dog = prediction.looks_like_dog
        return (
            headline_html(prediction, language, bundle.subject),
            gr.update(label=words["breeds" if is_dog else "after_all"], open=is_dog),
            more_html(prediction, language, bundle),
            self._photo(answered, best, overlaid and is_dog, language),
            best,
            gr.skip() if is_dog else False,
        )

    def choose(
        self, answered: Answered | None, request: gr.Request, event: gr.EventData
    ) -> tuple[Any, Any, Any]:
        """Lay the evidence for the label that was clicked over the photo.

        Returns:
            The update of the photo, whether evidence is laid over it, and the label.

        Raises:
            gr.Error: The photo has been deleted, and the answer forgotten.
        """
        if answered is None:
            raise refusal(GONE)
        # Not a `gr.SelectData`, which fails on events that a program made up.
        label = event._data.get("value") if isinstance(event._data, dict) else None
        if label not in answered.prediction.labels:
            return gr.skip(), gr.skip(), gr.skip()
        return self._photo(answered, label, True, language_of(request)), True, label

    def draw(
        self, answered: Answered | None, chosen: str | None, overlaid: bool, request: gr.Request
    ) -> dict[str, Any]:
        """Lay the evidence over the photo, or take it away.

        Returns:
            The update of the photo.

        Raises:
            gr.Error: The photo has been deleted, and the answer forgotten.
        """
        if chosen is None:
            return gr.skip()
        if answered is None:
            raise refusal(GONE)
        return self._photo(answered, chosen, overlaid, language_of(request))

    def refuse(self, request: gr.Request) -> tuple[Any, ...]:
        """Take the last answer away, since the photo cannot be used.

        Returns:
            As `show` does, then empty labels and no answer.
        """
        return *self._blank("unreadable", request), None, None

    def _blank(self, key: str, request: gr.Request) -> Shown:
        """One of the texts in place of an answer, or nothing."""
        words = texts(language_of(request), self.classifier.bundle.subject)
        html = f"<p>{escape(words[key])}</p>" if key else ""
        photo = gr.update(label=words["photo"], alt_text=words["photo_alt"])
        return html, gr.update(label=words["breeds"], open=True), "", photo, None, gr.skip()

    def _photo(
        self, answered: Answered, label: str, overlaid: bool, language: str
    ) -> dict[str, Any]:
        """The update of the photo: as every browser can show it, with or without evidence."""
        words = texts(language, self.classifier.bundle.subject)
        try:
            image = load_small(answered.photo)
        except InvalidImageError as error:
            raise refusal(GONE) from error
        if not overlaid:
            return gr.update(value=image, label=words["photo"], alt_text=words["photo_alt"])
        resize = self.classifier.bundle.config["preprocessing"]["resize"]
        evidence = relative_evidence(answered.prediction, label)
        return gr.update(
            value=overlay(image, evidence, resize, STRENGTH),
            label=words["evidence_for"].format(breed=label),
            alt_text=words["evidence_alt"].format(breed=label),
        )


def load_small(photo: str) -> Image.Image:
    """Load a photo at the size that is shown.

    A photo that takes time to decode is written next to the upload at that size when it is first
    loaded, for the evidence, which needs it again for every label; both are deleted together.

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
        # On a full disk it takes its time again.
        with suppress(OSError), write_beside(small) as file:
            image.save(file, "JPEG", quality=95)
    return image


def photo_tab(
    classifier: DogBreedClassifier, i18n: gr.I18n, examples: Sequence[Path] = ()
) -> gr.State:
    """Lay out the tab and connect its events.

    Args:
        classifier: The model that answers.
        i18n: The texts.
        examples: Photos that visitors can try.

    Returns:
        The last photo with its answer, an `Answered`.
    """
    parts = _lay_out(i18n, examples)
    _connect(parts, PhotoHandlers(classifier))
    return parts.answered


@dataclass(frozen=True)
class _Parts:
    """The components of the tab, and its states."""

    photo: gr.Image
    examples: Examples | None
    sentence: gr.HTML
    breeds: gr.Accordion
    labels: gr.Label
    more: gr.HTML
    overlaid: gr.Checkbox
    answered: gr.State
    chosen: gr.State


def _lay_out(i18n: gr.I18n, paths: Sequence[Path]) -> _Parts:
    with gr.Row(elem_id="photo-tab"):
        with gr.Column(scale=6, elem_id="photo-side"):
            photo = _photo_input(i18n)
            examples = _examples(paths, photo, i18n) if paths else None
        with gr.Column(scale=5, elem_id="answer-side"):
            said = gr.HTML(elem_id="sentence")
            # Open for dogs only: breeds mean little where there is none.
            with gr.Accordion(i18n("breeds"), open=True, elem_id="breeds") as breeds:
                labels = gr.Label(
                    label=i18n("breeds"),
                    num_top_classes=3,
                    show_label=False,
                    show_heading=False,
                    elem_id="labels",
                )
                overlaid = gr.Checkbox(
                    label=i18n("show_evidence"), container=False, elem_id="show-evidence"
                )
            more = gr.HTML(elem_id="more")
    answered = gr.State(time_to_live=KEEP_SECONDS)
    return _Parts(
        photo, examples, said, breeds, labels, more, overlaid, answered, chosen=gr.State()
    )


def _photo_input(i18n: gr.I18n) -> gr.Image:
    photo = gr.Image(
        label=i18n("photo"),
        alt_text=str(i18n("photo_alt")),
        placeholder=str(i18n("choose_photo")),
        sources=["upload", "webcam", "clipboard"],
        webcam_options=rear_camera(*_TAKEN),
        type="filepath",
        format="jpeg",
        image_mode=None,
        buttons=["fullscreen"],
        elem_id="photo",
    )
    accept_any_file(photo)
    return photo


def _examples(paths: Sequence[Path], photo: gr.Image, i18n: gr.I18n) -> Examples:
    # Served from where they are; copies among the temporary files would be deleted.
    gr.set_static_paths([path.parent for path in paths])
    return gr.Examples(
        [str(path) for path in paths],
        photo,
        label=str(i18n("examples")),
        elem_id="examples",
        api_visibility="private",
    )


def _connect(parts: _Parts, handlers: PhotoHandlers) -> None:
    # Not photo.change, which also fires when the evidence is laid over it.
    _answer_on(parts.photo.input, parts, handlers)
    if parts.examples:
        _answer_on(parts.examples.load_input_event.success, parts, handlers)
    parts.labels.select(
        handlers.choose,
        parts.answered,
        [parts.photo, parts.overlaid, parts.chosen],
        api_visibility="private",
        show_progress="hidden",
    )
    parts.overlaid.input(
        handlers.draw,
        [parts.answered, parts.chosen, parts.overlaid],
        parts.photo,
        api_visibility="private",
        trigger_mode="always_last",
        show_progress="hidden",
    )


def _answer_on(trigger: Callable[..., Any], parts: _Parts, handlers: PhotoHandlers) -> None:
    """Answer the photo whenever the trigger fires, then show the answer or why there is none."""
    shown = [
        parts.sentence,
        parts.breeds,
        parts.more,
        parts.photo,
        parts.chosen,
        parts.overlaid,
    ]
    answered = trigger(
        handlers.answer,
        parts.photo,
        [parts.labels, parts.answered],
        concurrency_limit=CONCURRENCY,
        concurrency_id=QUEUE,
        trigger_mode="always_last",
        api_visibility="private",
        show_progress_on=parts.labels,
    )
    answered.success(
        handlers.show,
        [parts.answered, parts.overlaid],
        shown,
        api_visibility="private",
        show_progress="hidden",
    )
    answered.failure(
        handlers.refuse,
        None,
        [*shown, parts.labels, parts.answered],
        api_visibility="private",
        show_progress="hidden",
    )
