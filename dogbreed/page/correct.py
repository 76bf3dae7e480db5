"""Below the answer: right, or "no, it is a …", kept as a dataset if the visitor says so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dogbreed.corrections import NONE, Corrections
from dogbreed.errors import InvalidImageError
from dogbreed.page.i18n import language_of, texts
from dogbreed.page.refusals import GONE, refusal


@dataclass(frozen=True)
class CorrectionHandlers:
    """What the part does; the state is a `photo.Answered`, None if there is no answer."""

    corrections: Corrections

    def offer(self, answered: Any, request: gr.Request) -> tuple[dict[str, Any], ...]:
        """Show the part below a new answer, and hide it where there is none.

        Returns:
            Updates of the part, of the list and of what is said at its end.
        """
        words = self._words(request)
        choices = [(words["correct_none"], NONE), *self.choices()]
        return (
            gr.update(visible=answered is not None),
            gr.update(value=None, choices=choices),
            gr.update(value=""),
        )

    def confirm(self, answered: Any, request: gr.Request) -> tuple[str, dict[str, Any]]:
        """Keep the photo with the answer as its label.

        Returns:
            What is said, and the update of the part's buttons.

        Raises:
            gr.Error: The photo has been deleted, and the answer forgotten.
        """
        if answered is None:
            raise refusal(GONE)
        first = answered.prediction.ids[0]
        is_dog = answered.prediction.looks_like_dog
        label = self.corrections.bundle.labels[first] if is_dog else NONE
        return self._keep(answered, label, request)

    def correct(
        self, answered: Any, label: str | None, request: gr.Request
    ) -> tuple[str, dict[str, Any]]:
        """Keep the photo with the label that was chosen; returns and raises as `confirm` does."""
        if answered is None:
            raise refusal(GONE)
        if label != NONE and label not in self.corrections.bundle.labels:
            return self._words(request)["correct_choose"], gr.update()
        return self._keep(answered, str(label), request)

    def _keep(self, answered: Any, label: str, request: gr.Request) -> tuple[str, dict[str, Any]]:
        try:
            self.corrections.keep(answered.photo, label, answered.prediction)
        except InvalidImageError as error:
            raise refusal(GONE) from error
        # Once for each answer.
        return self._words(request)["correct_thanks"], gr.update(visible=False)

    def choices(self) -> list[tuple[str, str]]:
        """Name and label of each class, by name."""
        bundle = self.corrections.bundle
        return sorted(zip(bundle.names, bundle.labels, strict=True))

    def _words(self, request: gr.Request) -> dict[str, str]:
        return texts(language_of(request), self.corrections.bundle.subject)


def correction_part(corrections: Corrections, answered: gr.State, i18n: gr.I18n) -> None:
    """Lay out the part and connect its events.

    Args:
        corrections: Where answers are kept.
        answered: The state with the last photo and its answer.
        i18n: The texts.
    """
    handlers = CorrectionHandlers(corrections)
    with gr.Column(visible=False, elem_id="correct") as part:
        with gr.Column() as ask:
            gr.Markdown(i18n("correct_consent"))
            with gr.Row(equal_height=True):
                right = gr.Button(
                    str(i18n("correct_right")), size="md", min_width=160, elem_id="correct-right"
                )
                label = gr.Dropdown(
                    handlers.choices(),
                    value=None,
                    label=i18n("correct_other"),
                    filterable=True,
                    scale=2,
                    min_width=220,
                    elem_id="correct-label",
                )
                send = gr.Button(
                    str(i18n("correct_send")), size="md", min_width=160, elem_id="correct-send"
                )
        said = gr.Markdown(elem_id="correct-said")
    answered.change(
        handlers.offer,
        answered,
        [part, label, said],
        api_visibility="private",
        show_progress="hidden",
    ).then(lambda: gr.update(visible=True), None, ask, api_visibility="private")
    outputs = [said, ask]
    events: list[tuple[Callable, list[Any], gr.Button]] = [
        (handlers.confirm, [answered], right),
        (handlers.correct, [answered, label], send),
    ]
    for function, inputs, button in events:
        # Or an error would also cover the part.
        button.click(function, inputs, outputs, api_visibility="private", show_progress="hidden")
