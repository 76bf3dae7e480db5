"""The answers to a chunk as a file, and the folder of all of them."""

import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dogbreed.bulk.answers import Questions, answer_chunk, fingerprint
from dogbreed.bulk.answers import _classifier as loaded_classifier
from dogbreed.bulk.output import MANIFEST, Manifest, opened, summarize, write_part
from dogbreed.bulk.pieces import Chunk
from dogbreed.bundle import read_bundle
from dogbreed.classifier import DogBreedClassifier
from dogbreed.cli import main
from dogbreed.errors import BundleError, UsageError
from tests.helpers.bulk_data import write_photos
from tests.helpers.small_disk import fill
from tests.helpers.tiny_bundle import assert_one_sentence, write_trusted

MANIFEST_OF = {
    "source": "photos",
    "listing": "abc",
    "model": "def",
    "top_k": 3,
    "image_column": None,
    "batch_size": None,
}


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    """What a worker sets is taken back after each test."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_trusted(tmp_path_factory.mktemp("bulk") / "model")


def test_a_file_has_what_predict_answers(model, tmp_path):
    folder = write_photos(tmp_path / "photos", 6)
    files = sorted(map(str, folder.rglob("*.png")))
    files[2:2] = [str(folder / "gone.png"), str(folder / "broken.jpg")]
    questions = Questions(str(folder), str(model), fingerprint(read_bundle(model)), 2)
    count, part = answer_chunk(questions, Chunk(0, "photos", files, 8))
    rows = pq.read_table(pa.BufferReader(part)).to_pylist()
    assert count == 8 and [row["path"] for row in rows] == files
    classifier = DogBreedClassifier.from_pretrained(model)
    for row, file in zip(rows, files, strict=True):
        if file.endswith(("gone.png", "broken.jpg")):
            assert row["error"].endswith(".") and row["labels"] is row["is_dog"] is None
            continue
        answer = classifier.predict(file, top_k=2)
        assert row.pop("path") == file and row.pop("error") is row.pop("note") is None
        assert {name: getattr(answer, name) for name in row} == {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }


def test_a_worker_answers_with_the_engine_that_was_named(model, tmp_path):
    pytest.importorskip("openvino", reason="see requirements-openvino.txt")
    folder = write_photos(tmp_path / "photos", 2)
    files, seen = sorted(map(str, folder.rglob("*.png"))), fingerprint(read_bundle(model))
    questions = Questions(str(folder), str(model), seen, 2, engine="openvino")
    answer_chunk(questions, Chunk(0, "photos", files, len(files)))
    assert loaded_classifier.cache_info().currsize == 1
    assert loaded_classifier(str(model), seen, "openvino").engine == "openvino"


def test_another_model_on_a_worker_is_refused(model, tmp_path):
    with pytest.raises(BundleError, match="has another model") as refused:
        answer_chunk(Questions("x", str(model), "0" * 64, 1), Chunk(0, "photos", ["x"], 1))
    assert_one_sentence(str(refused.value))


def test_a_folder_is_continued_only_with_the_same_questions(tmp_path):
    folder = tmp_path / "answers"
    with opened(folder, Manifest(**MANIFEST_OF)) as done:
        assert done == set()
        write_part(folder, 1, b"x")
        (folder / ".part-00000.parquet.1.partial").write_bytes(b"half")
        with (
            pytest.raises(UsageError, match="Another job is writing to") as refused,
            opened(folder, Manifest(**MANIFEST_OF)),
        ):
            pass
        assert_one_sentence(str(refused.value))
    with opened(folder, Manifest(**MANIFEST_OF)) as done:
        assert done == {1}
        assert not list(folder.glob(".*.partial"))
    said = {
        "source": "it answers photos and not other",
        "listing": "have changed",
        "model": "another model",
        "top_k": "begun with --top-k 3",
        "image_column": "another --image-column",
        "batch_size": "another --batch-size",
    }
    for name, words in said.items():
        with (
            pytest.raises(UsageError, match=words) as refused,
            opened(folder, Manifest(**{**MANIFEST_OF, name: "other"})),
        ):
            pass
        assert_one_sentence(str(refused.value))
    (folder / MANIFEST).write_text("{")
    with pytest.raises(UsageError, match="is damaged"), opened(folder, Manifest(**MANIFEST_OF)):
        pass


def test_what_cannot_be_an_output_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("not answers")
    for folder, words in ((tmp_path, "not answers of"), (tmp_path / "mine.txt", "cannot be")):
        with (
            pytest.raises(UsageError, match=words) as refused,
            opened(folder, Manifest(**MANIFEST_OF)),
        ):
            pass
        assert_one_sentence(str(refused.value))


def test_a_summary_counts_all_files(model, tmp_path):
    folder = write_photos(tmp_path / "photos", 10)
    files = sorted(map(str, [*folder.rglob("*.png"), *folder.rglob("*.jpg")]))
    questions = Questions(str(folder), str(model), fingerprint(read_bundle(model)), 3)
    for number, some in enumerate((files[:4], files[4:])):
        chunk = Chunk(number, "photos", some, len(some))
        write_part(tmp_path, number, answer_chunk(questions, chunk)[1])
    (tmp_path / MANIFEST).write_text("{}")
    summary = summarize(tmp_path)
    answers = [DogBreedClassifier.from_pretrained(model).predict(p) for p in folder.rglob("*.png")]
    assert summary.photos == 11 and summary.errors.total() == 1
    assert summary.rejected == sum(not answer.looks_like_dog for answer in answers) > 0
    assert summary.breeds.total() == 10 - summary.rejected
    assert summary.breeds["Red disc"] == sum(
        answer.looks_like_dog and answer.labels[0] == "Red disc" for answer in answers
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing"], "There is no file or folder missing; check the path."),
        (["."], "contains no photos"),
        (["x", "--top-k=0"], "--top-k must be at least 1, not 0."),
        (["x", "--workers=0"], "--workers must be at least 1, not 0."),
        (["x", "--batch-size=0"], "--batch-size must be at least 1, not 0."),
        (["x", "--model=missing"], "missing"),
    ],
)
def test_bad_input_ends_in_a_sentence_before_ray_starts(
    arguments, said, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["bulk", *arguments, "--output=answers"]) == 2
    message = capsys.readouterr().err.strip()
    assert said in message
    assert_one_sentence(message)
    assert not os.listdir(tmp_path)


def test_without_ray_it_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['ray'] = None\nfrom importlib import util\nfind = util.find_spec\n"
    )
    code += "util.find_spec = lambda name: None if name == 'ray' else find(name)\n"
    code += "from dogbreed.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "bulk", "x", f"--output={tmp_path / 'x'}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "dogbreed: This needs ray; run `pip install -r requirements-bulk.txt`."
    )


def test_a_full_disk_is_said_and_leaves_nothing_half_written(disk):
    with opened(disk / "answers", Manifest(**MANIFEST_OF)), pytest.raises(UsageError) as refused:
        write_part(disk / "answers", 0, bytes(3_000_000))
    assert "No space left on device" in str(refused.value)
    assert_one_sentence(str(refused.value))
    assert not [*disk.glob("answers/*part*")]
    fill(disk)
    with pytest.raises(UsageError) as refused, opened(disk / "more", Manifest(**MANIFEST_OF)):
        pass
    assert_one_sentence(str(refused.value))
    assert not (disk / "more" / MANIFEST).exists()
