"""A model of something else than dogs: its pages do not speak of dogs, in any language."""

import json
import re
from collections import Counter

import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.breeds import BREEDS, default_subject
from dogbreed.bulk.cli import summary_text
from dogbreed.bulk.output import Summary
from dogbreed.bundle import Bundle
from dogbreed.cli import main
from dogbreed.errors import BundleError
from dogbreed.hub.gradio_space import gradio_space_card
from dogbreed.hub.static_space import static_space_card
from dogbreed.page.build import build_page, launch_options, page_texts
from dogbreed.page.i18n import LANGUAGES, texts
from dogbreed.page.openapi import predict_route
from dogbreed.page.photo import PhotoHandlers
from dogbreed.sentences import ENGLISH
from dogbreed.subject import DOG, LOCALES, PHOTO, icon, neutral_texts
from dogbreed.web.export import export_web, site_files
from dogbreed.wording import trust_line
from tests.helpers.flowers import speaks_of_dogs, write_flowers
from tests.helpers.tiny_bundle import LABELS, draw_disc, write_trusted
from tests.helpers.visitor import visitor
from tests.hub.cards import problems


@pytest.fixture
def flowers(tmp_path) -> DogBreedClassifier:
    """A model of three flowers."""
    return DogBreedClassifier.from_pretrained(write_flowers(tmp_path / "flowers"))


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_about_photos_is_about_any_photo(language):
    path = LOCALES / "refusals" / f"{language}.json"
    said = ENGLISH if language == "en" else json.loads(path.read_text(encoding="utf-8"))
    assert speaks_of_dogs("\n".join(said.values()), language) == []


def test_what_programs_are_told_is_about_flowers(flowers):
    route = predict_route("flower")
    assert route["summary"] == "Identify the kind of flower in a photo"
    assert speaks_of_dogs(json.dumps(route)) == []
    named = build_page(flowers, page_texts(flowers)).get_api_info()["named_endpoints"]
    assert [*named] == ["/predict", "/details"]
    for endpoint in named.values():
        assert "the kind of flower" in endpoint["description"]
    assert speaks_of_dogs(json.dumps(named)) == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("dog", "Names the breed of the dog in a photo, in your browser"),
        ("flower", "Names the kind of flower in a photo, in your browser"),
        ("rather long-winded flower", "Names what is in a photo, in your browser"),
        (PHOTO, "Names what is in a photo, in your browser"),
    ],
)
def test_the_card_of_a_space_says_what_its_model_knows(flowers, subject, said):
    served = Bundle(flowers.bundle.path, flowers.bundle.config | {"subject": subject})
    cards = gradio_space_card("ann/page", served), static_space_card("ann/page", served)
    assert cards[1].data.short_description == said
    for card in cards:
        content = str(card)
        assert problems(content, "space") == ([], [])
        assert (speaks_of_dogs(content) == [] and "🐕" not in content) == (subject != DOG)
        assert texts("en", subject)["heading"] in content or subject == DOG


def test_the_icon_of_a_page_shows_a_dog_only_where_its_photos_do(flowers):
    assert icon("flower").is_file() and icon(DOG).read_bytes() != icon("flower").read_bytes()
    assert site_files(flowers.bundle)["icon.png"] == icon("flower")
    options = launch_options(flowers, page_texts(flowers))
    assert options["favicon_path"] == str(icon("flower"))
    assert icon("flower").name in gradio_space_card("ann/page", flowers.bundle).data.thumbnail


def test_the_shell_answers_about_flowers(flowers, tmp_path, capsys):
    draw_disc(64).save(tmp_path / "rose.png")
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "sky.png")
    command = ["predict", *map(str, sorted(tmp_path.glob("*.png")))]
    model = f"--model={flowers.bundle.path}"
    for more in ([], ["--json"]):
        assert main([*command, model, *more]) == 0
        assert speaks_of_dogs(capsys.readouterr().out) == []
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    assert "labels per photo" in capsys.readouterr().out


def test_a_summary_of_many_photos_is_about_flowers():
    counted = Counter({"Rose": 5, "Tulip": 2})
    text = summary_text(Summary(10, 2, Counter({"This file is empty.": 1}), counted, "flower"))
    assert text.splitlines()[0] == (
        "10 photos: 7 flower photos of 2 classes, 2 that do not look like anything the model "
        "knows, 1 errors."
    )
    assert "photos  class\n" in text and speaks_of_dogs(text) == []
    text = summary_text(Summary(10, 2, Counter(), counted))
    assert text.splitlines()[0] == (
        "10 photos: 7 dogs of 2 breeds, 2 that do not look like a dog, 0 errors."
    )


@pytest.mark.parametrize("subject", ["", " ", "a\nb", "x" * 61, 3, None])
def test_a_subject_is_a_short_text(tmp_path, subject):
    with pytest.raises(BundleError, match="has a subject that is not a short text"):
        write_trusted(tmp_path / "bundle", subject=subject)
