"""A model of something else than dogs: its pages do not speak of dogs, in any language."""

import json
import re

import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.breeds import BREEDS, default_subject
from dogbreed.errors import BundleError
from dogbreed.page.build import launch_options, page_texts
from dogbreed.page.i18n import LANGUAGES, texts
from dogbreed.page.photo import PhotoHandlers
from dogbreed.subject import DOG, PHOTO, neutral_texts
from dogbreed.web.export import export_web
from dogbreed.wording import trust_line
from tests.helpers.tiny_bundle import LABELS, draw_disc, write_trusted
from tests.helpers.visitor import visitor

FLOWERS = dict(zip(LABELS, ("Rose", "Oxeye daisy", "Tulip"), strict=True))
OF_DOGS = {
    "en": r"dog|breed|pupp",
    "de": r"hund|rasse|welpe",
    "es": r"perr|raza|cachorr",
    "fr": r"chien|\brace|chiot",
    "pt": r"\bcão|\bcães|raça|cachorr",
    "ja": r"犬",
    "zh-CN": r"狗|犬|品种",
}


@pytest.fixture
def flowers(tmp_path) -> DogBreedClassifier:
    """A model of three flowers."""
    folder = write_trusted(tmp_path / "flowers", subject="flower", names=FLOWERS)
    return DogBreedClassifier.from_pretrained(folder)


def speaks_of_dogs(text: str, language: str) -> list[str]:
    # Placeholders are not shown.
    text = re.sub(r"{\w+}", "", text)
    return re.findall(rf"(?i).{{0,40}}(?:{OF_DOGS[language]}).{{0,20}}", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_does_not_speak_of_dogs(flowers, language):
    shown = page_texts(flowers).translations_dict[language]
    assert speaks_of_dogs("\n".join(shown.values()), language) == []
    for subject in ("flower", PHOTO):
        other, english = neutral_texts(language, subject), neutral_texts("en", subject)
        assert list(other) == list(english)
        for key, text in texts(language).items():
            assert set(re.findall(r"{\w+}", text)) == set(
                re.findall(r"{\w+}", texts(language, subject)[key])
            ), key


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("en", "What kind of flower is this?"),
        ("de", "Flower: Was ist auf diesem Foto?"),
    ],
)
def test_a_photo_of_a_flower_is_answered(flowers, tmp_path, language, heading):
    assert texts(language, "flower")["heading"] == heading
    draw_disc(64).save(tmp_path / "photo.png")
    handlers = PhotoHandlers(flowers)
    _, answered = handlers.answer(str(tmp_path / "photo.png"))
    html, *_ = handlers.show(answered, True, visitor(language))
    assert speaks_of_dogs(re.sub(r"<[^>]*>", "", html), language) == []
    assert "Rose" in html and " a Rose" not in html
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "blue.png")
    _, answered = handlers.answer(str(tmp_path / "blue.png"))
    html, *_ = handlers.show(answered, True, visitor(language))
    assert neutral_texts(language, "flower")["no_dog"] in html
    assert trust_line(answered.prediction, "flower") == "This does not look like: flower."


def test_the_preview_of_a_shared_link_is_about_flowers(flowers):
    options = launch_options(flowers, page_texts(flowers))
    preview = options["app_kwargs"]["middleware"][1].kwargs
    assert preview["title"] == "What kind of flower is this?"
    assert speaks_of_dogs(preview["description"], "en") == []


def test_the_page_without_a_server_is_about_flowers(flowers, tmp_path):
    export_web(flowers.bundle, tmp_path / "site")
    for language in LANGUAGES:
        text = (tmp_path / "site" / "texts" / f"{language}.json").read_text(encoding="utf-8")
        assert speaks_of_dogs("\n".join(json.loads(text).values()), language) == []
    manifest = json.loads((tmp_path / "site" / "manifest.webmanifest").read_text())
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    shown = re.findall(r">([^<>]+)<|content=\"([^\"]+)\"", page)
    assert manifest["name"] == "What kind of flower is this?" in page
    assert speaks_of_dogs(json.dumps([manifest, shown]), "en") == []


def test_the_subject_follows_from_the_labels():
    breeds = [breed.label for breed in BREEDS[:3]]
    assert default_subject(breeds) == default_subject(["pug", "boxer", "tabby_cat"]) == DOG
    assert default_subject([*breeds, "a", "b", "c"]) == default_subject(LABELS) == PHOTO


@pytest.mark.parametrize("subject", ["", " ", "a\nb", "x" * 61, 3, None])
def test_a_subject_is_a_short_text(tmp_path, subject):
    with pytest.raises(BundleError, match="has a subject that is not a short text"):
        write_trusted(tmp_path / "bundle", subject=subject)
