"""An answer as HTML: the sentence in large type, other breeds as chips, the rest folded."""

from collections.abc import Iterable
from html import escape

from dogbreed.bundle import Bundle
from dogbreed.page.i18n import texts
from dogbreed.page.refusals import said_in
from dogbreed.prediction import Prediction
from dogbreed.subject import DOG
from dogbreed.wording import MOST_NAMED, confidence, often_confused, read_more_link, sentence


def headline_html(prediction: Prediction, language: str, subject: str = DOG) -> str:
    """What the model thinks, as HTML; three or four breeds that are named together as chips.

    Args:
        prediction: The answer to a photo.
        language: One of `i18n.LANGUAGES`.
        subject: What the photos of the model show.
    """
    words = texts(language, subject)
    if not prediction.looks_like_dog:
        return f"<p class='answer no-dog'>{escape(words['no_dog'])}</p>"
    if 2 < len(prediction.prediction_set) <= MOST_NAMED:
        return _chips(words["one_of"], prediction.prediction_set, language, "answer")
    articles = language == "en" and subject == DOG
    return f"<p class='answer'>{escape(sentence(prediction, words, articles))}</p>"


def more_html(prediction: Prediction, language: str, bundle: Bundle) -> str:
    """What is worth knowing besides: a note, look-alikes, an article; folded, what is promised.

    Args:
        prediction: The answer to a photo.
        language: One of `i18n.LANGUAGES`.
        bundle: What the prediction is from.
    """
    words, best = texts(language, bundle.subject), prediction.labels[0]
    note = prediction.note and said_in(language, prediction.note)
    html = f"<p>{escape(note)}</p>" if note else ""
    if often_confused(prediction, bundle.confused, words):
        html += _chips(words["often_confused"], bundle.confused[best], language)
    if prediction.looks_like_dog:
        html += f"<p>{_article(best, words['read_more'].format(breed=best), language)}</p>"
    folded = [confidence(prediction, words), words["choose_breed"]]
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in folded if line)
    return f"{html}<details><summary>{escape(words['details'])}</summary>{paragraphs}</details>"


def _chips(template: str, breeds: Iterable[str], language: str, kind: str = "") -> str:
    """The beginning of a text, then each breed as a link to an article about it."""
    lead = escape(template.partition("{breeds}")[0].strip())
    chips = "".join(f"<li>{_article(each, each, language)}</li>" for each in breeds)
    return f"<p class='{kind or 'lead'}'>{lead}</p><ul class='chips'>{chips}</ul>"


def _article(breed: str, text: str, language: str) -> str:
    address = escape(read_more_link(breed, language))
    return f"<a href='{address}' target='_blank' rel='noopener'>{escape(text)}</a>"
