"""A prediction in words: the sentence of the page, the line of the shell."""

import numpy as np
import pytest

from dogbreed.page.i18n import texts
from dogbreed.prediction import Prediction
from dogbreed.wording import (
    confidence,
    often_confused,
    read_more_link,
    sentence,
    trust_line,
    with_article,
)


def prediction(in_set: int = 0, looks_like_dog: bool = True, **probabilities: float) -> Prediction:
    """A prediction whose set contains the first labels."""
    labels = tuple(name.replace("_", " ") for name in probabilities)
    return Prediction(
        labels[:3],
        tuple(probabilities.values())[:3],
        (0, 1, 2),
        np.zeros((8, 8, 6)),
        looks_like_dog=looks_like_dog,
        prediction_set=labels[:in_set],
        coverage=0.95 if in_set else None,
    )


def breeds(count: int) -> dict[str, float]:
    names = ("Norwich_terrier", "Norfolk_terrier", "Cairn", "Pug", "Boxer", "Beagle")
    return dict.fromkeys(names[:count], 0.15)


YORKSHIRE = {"Yorkshire_terrier": 0.93, "Silky_terrier": 0.05, "Cairn": 0.01}


@pytest.mark.parametrize(
    ("answer", "said", "promised"),
    [
        (
            prediction(1, **YORKSHIRE),
            "Very likely a Yorkshire terrier.",
            "With 95% confidence: Yorkshire terrier.",
        ),
        (
            prediction(1, Airedale=0.75, Otterhound=0.1),
            "Probably an Airedale.",
            "With 95% confidence: Airedale.",
        ),
        (
            prediction(2, **breeds(3)),
            "Either a Norwich or a Norfolk terrier.",
            "With 95% confidence: Norwich terrier, Norfolk terrier.",
        ),
        (
            prediction(2, Entlebucher=0.5, Appenzeller=0.4),
            "Either an Entlebucher or an Appenzeller.",
            "With 95% confidence: Entlebucher, Appenzeller.",
        ),
        (
            prediction(4, **breeds(4)),
            "One of these: Norwich terrier, Norfolk terrier, Cairn, Pug.",
            "With 95% confidence: Norwich terrier, Norfolk terrier, Cairn, Pug.",
        ),
        (
            prediction(5, **breeds(6)),
            "Not sure: maybe a Norwich terrier, maybe another breed.",
            None,
        ),
        (
            prediction(1, looks_like_dog=False, **YORKSHIRE),
            "This does not look like a dog.",
            None,
        ),
        # Bundles without prediction sets.
        (prediction(**YORKSHIRE), "Very likely a Yorkshire terrier.", None),
        (
            prediction(**breeds(3)),
            "Not sure: maybe a Norwich terrier, maybe another breed.",
            None,
        ),
    ],
)
def test_the_sentence_says_how_sure_the_model_is(answer, said, promised):
    assert sentence(answer, texts()) == said
    assert confidence(answer, texts()) == promised


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (prediction(1, **YORKSHIRE), "With 95% confidence: Yorkshire terrier."),
        (
            prediction(2, **breeds(3)),
            "With 95% confidence one of: Norwich terrier, Norfolk terrier.",
        ),
        (prediction(6, **breeds(6)), "Not sure: with 95% confidence one of 6 breeds."),
        (prediction(1, looks_like_dog=False, **YORKSHIRE), "This does not look like a dog."),
        (prediction(**YORKSHIRE), None),
    ],
)
def test_the_line_of_the_shell(answer, line):
    assert trust_line(answer) == line


@pytest.mark.parametrize(("name", "named"), [("Eurasier", "a Eurasier"), ("Husky", "a Husky")])
def test_articles_follow_the_sound(name, named):
    assert with_article(name) == named


def test_names_share_their_last_words_once():
    corgis = prediction(2, Pembroke_Welsh_corgi=0.5, Cardigan_Welsh_corgi=0.4)
    assert sentence(corgis, texts()) == "Either a Pembroke or a Cardigan Welsh corgi."
    collies = prediction(2, Collie=0.5, Border_collie=0.4)
    assert sentence(collies, texts()) == "Either a Collie or a Border collie."


@pytest.mark.parametrize(
    ("name", "language", "link"),
    [
        ("Pug", "de", "https://www.wikidata.org/wiki/Special:GoToLinkedPage/dewiki,enwiki/Q38698"),
        (
            "Pug",
            "zh-CN",
            "https://www.wikidata.org/wiki/Special:GoToLinkedPage/zhwiki,enwiki/Q38698",
        ),
        ("Pug", "en", "https://www.wikidata.org/wiki/Special:GoToLinkedPage/enwiki/Q38698"),
        ("a&b c", "fr", "https://fr.wikipedia.org/w/index.php?search=a%26b+c"),
        ("Eskimo dog", "en", "https://en.wikipedia.org/w/index.php?search=Eskimo+dog"),
    ],
)
def test_the_link_leads_to_the_article_in_a_language(name, language, link):
    assert read_more_link(name, language) == link


def test_what_the_best_breed_was_confused_with():
    confused = {"Yorkshire terrier": ("Silky terrier", "Cairn")}
    answer = prediction(1, **YORKSHIRE)
    said = "Often confused with: Silky terrier, Cairn."
    assert often_confused(answer, confused, texts()) == said
    assert often_confused(answer, {}, texts()) is None
    no_dog = prediction(1, looks_like_dog=False, **YORKSHIRE)
    assert often_confused(no_dog, confused, texts()) is None
