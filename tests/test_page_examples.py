"""Photos that visitors can try: never one that fails."""

import json

import gradio as gr
import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.bundle import MOST_EXAMPLES
from dogbreed.errors import UsageError
from dogbreed.examples import list_examples
from dogbreed.hub.gradio_space import space_files
from dogbreed.hub.static_space import static_space_files
from dogbreed.page.build import build_page, page_texts
from dogbreed.page.examples import find_examples
from dogbreed.web.export import SITE, site_files
from tests.helpers.tiny_bundle import (
    draw_disc,
    make_config,
    write_bundle,
    write_config,
    write_trusted,
)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> DogBreedClassifier:
    """A small bundle's, which takes red discs for dogs and blue for none."""
    bundle = write_trusted(tmp_path_factory.mktemp("models") / "bundle")
    return DogBreedClassifier.from_pretrained(bundle)


def test_those_of_a_folder_are_offered_if_the_model_names_a_breed(classifier, tmp_path, capsys):
    draw_disc().save(tmp_path / "b.png")
    draw_disc().save(tmp_path / "a.jpg")
    Image.new("RGB", (32, 32), "blue").save(tmp_path / "sky.png")
    (tmp_path / "broken.png").write_text("no photo")
    (tmp_path / "notes.txt").write_text("mine")
    found = find_examples(classifier, tmp_path)
    assert [path.name for path in found] == ["a.jpg", "b.png"]
    broken, sky = capsys.readouterr().err.splitlines()
    assert "broken.png is not offered" in broken and "recognizes nothing" in sky


def test_a_folder_without_any_is_refused(classifier, tmp_path):
    with pytest.raises(UsageError, match="There is no folder"):
        find_examples(classifier, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="0 JPEG, PNG or WebP"):
        find_examples(classifier, tmp_path)
    (tmp_path / "0.png").write_text("no photo")
    with pytest.raises(UsageError, match="No photo in"):
        find_examples(classifier, tmp_path)
    for number in range(1, MOST_EXAMPLES + 1):
        (tmp_path / f"{number}.png").touch()
    with pytest.raises(UsageError, match="takes 1 to 12"):
        find_examples(classifier, tmp_path)


def test_those_of_the_bundle_are_offered_and_needed(tmp_path):
    path = write_bundle(tmp_path / "bundle")
    (path / "examples" / "deep").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "deep/c.png"):
        draw_disc().save(path / "examples" / name)
    (path / "examples" / "notes.txt").touch()
    write_config(path, make_config())
    classifier = DogBreedClassifier.from_pretrained(path)
    assert classifier.bundle.examples == ("examples/a.jpg", "examples/b.png")
    assert set(classifier.bundle.examples) < set(classifier.bundle.served)
    assert find_examples(classifier, None) == [path / name for name in classifier.bundle.examples]
    assert {*classifier.bundle.examples} < site_files(classifier.bundle).keys()


def test_those_of_a_folder_go_into_a_space_of_either_kind(classifier, tmp_path):
    draw_disc().save(tmp_path / "a.jpg")
    photos = list_examples(tmp_path)
    files = space_files("ann/page", classifier.bundle, None, photos)
    assert files["dogbreed/page/static/examples/a.jpg"] == tmp_path / "a.jpg"
    files = static_space_files("ann/page", classifier.bundle, photos)
    assert files["examples/a.jpg"] == tmp_path / "a.jpg"
    assert json.loads(files[SITE])["examples"] == ["examples/a.jpg"]


def test_those_that_were_deployed_with_the_page_are_offered(classifier, tmp_path, monkeypatch):
    draw_disc().save(tmp_path / "a.jpg")
    monkeypatch.setattr("dogbreed.page.examples.DEPLOYED", tmp_path)
    assert find_examples(classifier, None) == [tmp_path / "a.jpg"]


def test_the_page_has_them_or_no_place_for_them(classifier, tmp_path):
    assert find_examples(classifier, None) == []
    draw_disc().save(tmp_path / "a.png")
    i18n = page_texts(classifier)
    for examples, count in (([tmp_path / "a.png"], 1), ([], 0)):
        page = build_page(classifier, i18n, examples=examples)
        assert sum(isinstance(each, gr.Dataset) for each in page.blocks.values()) == count
