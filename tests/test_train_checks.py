"""What cannot work is refused before anything long begins."""

import pytest

from dogbreed.bundle import CONFIG
from dogbreed.errors import UsageError
from dogbreed.train.checks import check_options, check_output, read_notes
from dogbreed.train.options import Options
from tests.helpers.tiny_bundle import assert_one_sentence


def refusal(call, *arguments) -> str:
    with pytest.raises(UsageError) as error:
        call(*arguments)
    assert_one_sentence(str(error.value))
    return str(error.value)


def test_an_output_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "contains other files" in refusal(check_output, tmp_path)
    assert "is a file" in refusal(check_output, tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_new_folder_an_empty_one_and_a_bundle_can_be_written(tmp_path):
    check_output(tmp_path / "new")
    check_output(tmp_path)
    (tmp_path / CONFIG).write_text("{}")
    check_output(tmp_path)


def test_options_that_do_not_go_together_are_refused(tmp_path):
    options = Options(tmp_path, recipe="article", train_from="mixed8")
    assert "--recipe article" in refusal(check_options, options)
    check_options(Options(tmp_path, recipe="article"))


def test_notes_are_read_or_refused(tmp_path):
    assert read_notes(None) == ""
    (tmp_path / "notes.md").write_text("Größe", encoding="utf-8")
    assert read_notes(tmp_path / "notes.md") == "Größe"
    (tmp_path / "notes.md").write_bytes(b"\xff\xfe")
    assert "notes.md" in refusal(read_notes, tmp_path / "notes.md")
    assert "none.md" in refusal(read_notes, tmp_path / "none.md")
