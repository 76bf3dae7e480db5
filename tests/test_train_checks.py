"""What cannot work is refused before the first photo is read."""

import subprocess
import sys
from pathlib import Path

import pytest

from dogbreed.bundle import CONFIG
from dogbreed.errors import DatasetError, UsageError
from dogbreed.train import checks
from dogbreed.train.checks import check_data, check_options, check_output, read_notes
from dogbreed.train.data.load import load_negatives, load_training_data
from dogbreed.train.options import Options
from tests.helpers.permissions import obey_permissions
from tests.helpers.photos import write_photos
from tests.helpers.tiny_bundle import assert_one_sentence

ROOT = Path(__file__).parent.parent


def refusal(call, *arguments, kind: type[Exception] = UsageError) -> str:
    with pytest.raises(kind) as error:
        call(*arguments)
    assert_one_sentence(str(error.value))
    return str(error.value)


def test_an_output_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "contains other files" in refusal(check_output, tmp_path)
    assert "is a file" in refusal(check_output, tmp_path / "thesis.txt")
    assert "cannot be written" in refusal(check_output, tmp_path / "thesis.txt" / "model")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_new_folder_an_empty_one_and_a_bundle_can_be_written(tmp_path):
    # The folder above is made, so the empty one comes first.
    for output in (tmp_path, tmp_path / "new", tmp_path / "more" / "new"):
        check_output(output)
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / CONFIG).write_text("{}")
    check_output(tmp_path / "old")


def test_the_current_folder_and_those_above_are_refused(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for output in (Path("."), Path(".."), tmp_path / "here", Path("../here")):
        assert "is the current folder or contains it" in refusal(check_output, output)
    check_output(Path("model"))


def test_a_link_is_what_it_points_to(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    check_output(tmp_path / "link")
    (tmp_path / "real" / "thesis.txt").write_text("years of work")
    assert "contains other files" in refusal(check_output, tmp_path / "link")


def test_a_folder_that_may_not_be_written_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o555)
    code = (
        "import sys; from pathlib import Path; from dogbreed.train.checks import check_output\n"
        "check_output(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "theirs" / "model")]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, preexec_fn=obey_permissions
    )
    assert "theirs cannot be written (Permission denied); name another folder." in run.stderr


def test_a_disk_that_is_nearly_full_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "_BUNDLE_BYTES", 10**18)
    assert "free some space" in refusal(check_output, tmp_path / "model")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipe": "article", "train_from": "mixed8"}, "--recipe article"),
        ({"init_from": "a", "warm_start": "imagenet"}, "--init-from and --warm-start"),
        ({"seed": -1}, "--seed must be from 0"),
        ({"seed": 2**32}, "--seed must be from 0"),
        ({"image_size": 50}, "--image-size must be from 75"),
        ({"image_size": 100_000}, "--image-size must be from 75"),
        ({"augment_views": -1}, "--augment-views must be from 0"),
        ({"learning_rate": [1e-3, 0.0]}, "--learning-rate must be"),
        ({"learning_rate": [float("nan")]}, "--learning-rate must be"),
        ({"blocks_learning_rate": -1.0}, "--blocks-learning-rate must be"),
        ({"l2": [-1e-5]}, "--l2 must be"),
        ({"recipe": "article", "train_from": "mixed8"}, "--recipe article trains only the head"),
        ({"l2": [float("inf")]}, "--l2 must be"),
        ({"backbone_weights": "none.h5"}, "There is no weights file none.h5"),
        ({"warm_start": "none.h5"}, "There is no weights file none.h5"),
    ],
)
def test_options_that_cannot_work_are_refused(tmp_path, changes, said):
    given = {"cache_dir": tmp_path / "cache", **changes}
    assert refusal(check_options, Options(tmp_path / "model", **given)).startswith(said)


def test_options_that_can_work_are_not(tmp_path):
    check_options(Options(tmp_path / "model", cache_dir=tmp_path / "cache", recipe="article"))
    check_options(Options(tmp_path / "model", cache_dir=tmp_path / "cache", seed=0, l2=[0.0]))


def test_a_cache_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    options = Options(tmp_path / "model", cache_dir=tmp_path / "file" / "cache")
    assert refusal(check_options, options).startswith("--cache-dir cannot be used")


@pytest.mark.parametrize("limit", [None, 2])
def test_data_without_photos_to_validate_on_are_refused(tmp_path, limit):
    root = write_photos(tmp_path, {"train/a": 2, "train/b": 2, "test/a": 1, "test/b": 1})
    if limit:
        write_photos(root, {"train/a": 9, "train/b": 9})
    data = load_training_data(str(root), limit_per_class=limit)
    options = Options(tmp_path / "model", limit_per_class=limit)
    said = refusal(check_data, data, None, options, kind=DatasetError)
    assert "has three photos to train on" in said
    assert ("--limit-per-class" in said) == bool(limit)


def test_few_negatives_are_refused(tmp_path):
    data = load_training_data(str(write_photos(tmp_path / "data", {"a": 9, "b": 9})))
    few = load_negatives(str(write_photos(tmp_path / "few", {"cat": 3})))
    many = load_negatives(str(write_photos(tmp_path / "many", {"cat": 60})))
    options = Options(tmp_path / "model")
    assert "5 of each are needed" in refusal(check_data, data, few, options, kind=DatasetError)
    check_data(data, many, options)


def damage(folder: Path, number: int | None = None) -> None:
    """Put text into the photos of a folder, or into so many of them."""
    for path in sorted(folder.rglob("*.png"))[:number]:
        path.write_text(f"the download of {path} has failed")


def refused_data(root: Path, not_dogs: Path | None = None) -> str:
    negatives = load_negatives(str(not_dogs)) if not_dogs else None
    options = Options(root / "model")
    return refusal(check_data, load_training_data(str(root)), negatives, options, kind=DatasetError)


def test_a_class_of_which_no_photo_can_be_decoded_is_named(tmp_path):
    root = write_photos(tmp_path, {f"{s}/{c}": 4 for s in ("train", "test") for c in "abc"})
    damage(root / "train" / "a", 3)
    damage(root / "test" / "a")
    check_data(load_training_data(str(root)), None, Options(tmp_path / "model"))
    damage(root / "train" / "b")
    said = refused_data(root)
    assert "can be decoded of this class" in said and ": b (" in said and "0.png" in said
    damage(root / "train" / "a")
    assert "of these classes" in refused_data(root)


def test_test_photos_of_which_none_can_be_decoded_are_refused(tmp_path):
    root = write_photos(tmp_path, {f"{s}/{c}": 4 for s in ("train", "test") for c in "ab"})
    damage(root / "test")
    assert refused_data(root).startswith("No photo to test on can be decoded")


def test_negatives_of_which_few_can_be_decoded_are_refused(tmp_path):
    root = write_photos(tmp_path / "data", {"a": 9, "b": 9})
    negatives = write_photos(tmp_path / "negatives", {"cat": 60})
    damage(negatives, 56)
    assert "of --not-dogs can be decoded" in refused_data(root, negatives)


def test_notes_are_read_or_refused(tmp_path):
    assert read_notes(None) == ""
    (tmp_path / "notes.md").write_text("Größe", encoding="utf-8")
    assert read_notes(tmp_path / "notes.md") == "Größe"
    (tmp_path / "notes.md").write_bytes(b"\xff\xfe")
    assert "notes.md" in refusal(read_notes, tmp_path / "notes.md")
    assert "none.md" in refusal(read_notes, tmp_path / "none.md")
