"""What is said about photos: one table, and its translations."""

import ast
import json
import pickle
import re
from pathlib import Path

import pytest

from dogbreed.page.i18n import LANGUAGES
from dogbreed.page.refusals import said_in
from dogbreed.sentences import ENGLISH, Sentence
from dogbreed.subject import LOCALES
from tests.helpers.tiny_bundle import assert_one_sentence

PACKAGE = Path(__file__).parent.parent / "dogbreed"
OTHERS = [language for language in LANGUAGES if language != "en"]
# What only callers from Python can do wrong; the page hands over paths of uploaded files.
FROM_PYTHON = PACKAGE / "images" / "sources.py"


def templates(language: str) -> dict[str, str]:
    return json.loads((LOCALES / "refusals" / f"{language}.json").read_text(encoding="utf-8"))


def calls(name: str, *folders: str) -> list[tuple[Path, ast.Call]]:
    """Every call of a function by its name, with its file."""
    files = [path for folder in folders for path in (PACKAGE / folder).glob("*.py")]
    trees = [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in files]
    return [
        (path, node)
        for path, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def test_every_message_about_a_photo_is_in_the_table():
    written = [
        (path.name, ast.unparse(call))
        for path, call in calls("InvalidImageError", "images", "page") + calls("refusal", "page")
        if path != FROM_PYTHON
        and any(isinstance(each, ast.Constant | ast.JoinedStr) for each in call.args)
    ]
    assert written == []
    notes = [
        ast.unparse(node)
        for path in (PACKAGE / "images").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "notes.append"
    ]
    assert notes and all(note.startswith("notes.append(Sentence(") for note in notes)


def test_the_table_has_nothing_else():
    used = {call.args[0].value for _, call in calls("Sentence", "", "images", "page")}
    assert used == set(ENGLISH)


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_sentence(language):
    other = templates(language)
    assert list(other) == list(ENGLISH)
    for key, text in ENGLISH.items():
        # English has an article and an "or" in these.
        text = text.replace("{what}", "{kind}").replace("{supported}", "{formats}")
        wanted = re.findall(r"{\w+}", text)
        assert sorted(re.findall(r"{\w+}", other[key])) == sorted(wanted), key
        assert other[key] != text, key
        assert other[key] == other[key].strip() and "  " not in other[key], key
        assert not re.search(r"['\"]| [%;:!?]", other[key]), key
        if language == "fr":
            assert not re.search(r"[^\u00a0\u202f][;:!?](\s|$)", other[key]), key
        if language in ("ja", "zh-CN"):
            assert not re.search(r"[\u3040-\u9fff][,.:;?!]", other[key]), key


@pytest.mark.parametrize("key", ENGLISH)
def test_each_is_one_sentence_in_english(key):
    assert_one_sentence(ENGLISH[key])


def test_a_sentence_can_be_said_in_another_language_also_in_another_process():
    small = Sentence("too_small", width=5, height=4, least=8)
    assert small == "This image is 5×4 pixels; it needs at least 8×8."
    copy = pickle.loads(pickle.dumps(small))
    assert copy == small
    assert said_in("de", copy) == "Dieses Bild hat 5×4 Pixel; nötig sind mindestens 8×8."
    assert said_in("en", small) == small
    assert said_in("de", "not from the table") == "not from the table"
    other = Sentence("other", what="an SVG drawing", kind="SVG")
    assert "SVG" in said_in("ja", other) and "drawing" not in said_in("ja", other)
