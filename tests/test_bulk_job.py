"""Whole jobs on a Ray cluster of two nodes on this machine, and what survives a SIGKILL."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from dogbreed.bulk.answers import Questions, answer_chunk
from dogbreed.bulk.engine import run_tasks, workers
from dogbreed.bulk.pieces import Chunk
from dogbreed.classifier import DogBreedClassifier
from dogbreed.cli import main
from dogbreed.errors import BundleError, InvalidImageError, UsageError
from tests.helpers.bulk_data import end_process, large_photo, write_parquet, write_photos, write_tar
from tests.helpers.running import ROOT, processes
from tests.helpers.tiny_bundle import assert_one_sentence, write_trusted


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_trusted(tmp_path_factory.mktemp("bulk") / "model")


def rows(output: Path) -> list[dict]:
    return pq.read_table(output).sort_by("path").to_pylist()


def test_two_nodes_answer_as_one_process_does(cluster, model, tmp_path, capsys):
    folder, output = write_photos(tmp_path / "photos", 23), tmp_path / "answers"
    command = ["bulk", str(folder), f"--output={output}", f"--model={model}", f"--ray={cluster}"]
    assert main([*command, "--batch-size=3"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("24 photos: ") and "1 errors." in printed
    files = sorted(map(str, [*folder.rglob("*.png"), folder / "broken.jpg"]))
    found = rows(output)
    assert [row["path"] for row in found] == files
    classifier = DogBreedClassifier.from_pretrained(model)
    for row, answer in zip(found, classifier.predict_each(files), strict=True):
        if isinstance(answer, InvalidImageError):
            assert row["error"] == str(answer)
        else:
            assert (*row["labels"],) == answer.labels
            assert (*row["probabilities"],) == answer.probabilities
            assert row["is_dog"] == answer.is_dog
            assert (*row["prediction_set"],) == answer.prediction_set
    read_by_others(output, found)
    # A second time there is nothing to do, so Ray is not needed.
    assert main([*command[:-1], "--batch-size=3"]) == 0
    assert capsys.readouterr().out == printed


def read_by_others(output: Path, found: list[dict]) -> None:
    """What reads Parquet finds the same rows in the folder."""
    import datasets
    import duckdb

    assert sorted(pd.read_parquet(output)["path"]) == [row["path"] for row in found]
    loaded = datasets.load_dataset(str(output), split="train", cache_dir=str(output / ".cache"))
    assert sorted(loaded, key=lambda row: row["path"]) == found
    query = f"select path, labels[1], error is null from '{output}/*.parquet' order by path"
    assert duckdb.sql(query).fetchall() == [
        (row["path"], row["labels"] and row["labels"][0], row["error"] is None) for row in found
    ]


def test_what_was_killed_is_continued(cluster, model, tmp_path):
    source = write_parquet(tmp_path / "photos.parquet", [large_photo()] * 400, 20)
    output = tmp_path / "answers"
    command = [sys.executable, "-m", "dogbreed", "bulk", str(source), f"--output={output}"]
    command += [f"--model={model}", f"--ray={cluster}", "--batch-size=20"]
    driver = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    finished = wait_for_parts(output, 3, driver)
    driver.kill()
    driver.wait()
    before = {path: path.stat().st_mtime_ns for path in finished}
    driver = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_parts(output, len(finished) + 3, driver)
    os.kill(processes("ray::answer_chunk")[0], signal.SIGKILL)
    printed, errors = driver.communicate(timeout=120)
    assert driver.returncode == 0, errors
    assert printed.startswith("400 photos: ")
    found = rows(output)
    assert {row["path"] for row in found} == {f"{source}#{number}" for number in range(400)}
    assert len(found) == 400 and all(row["error"] is None for row in found)
    assert len(list(output.glob("part-*.parquet"))) == 20
    # What was done was not done again.
    assert {path: path.stat().st_mtime_ns for path in finished} == before


def wait_for_parts(output: Path, count: int, driver: subprocess.Popen) -> list[Path]:
    """Wait for this many files, while there is still something to do."""
    deadline = time.monotonic() + 120
    while len(parts := list(output.glob("part-*.parquet"))) < count:
        assert driver.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    assert len(parts) < 20
    return parts


def test_webdataset_files_and_patterns_are_answered(cluster, model, tmp_path, capsys):
    for number in range(2):
        write_tar(tmp_path / f"{number}.tar", 4)
    output = tmp_path / "answers"
    command = ["bulk", f"{tmp_path}/*.tar", f"--output={output}", f"--model={model}"]
    assert main([*command, f"--ray={cluster}"]) == 0
    assert [row["path"] for row in rows(output)] == [
        f"{tmp_path}/{tar}.tar#{number:06d}.png" for tar in range(2) for number in range(4)
    ]


def test_what_a_worker_refuses_arrives_as_it_was_raised(cluster, model):
    questions = Questions("x", str(model), "0" * 64, 1)
    task = ("0", (questions, Chunk(0, "photos", ["x"], 1)))
    with workers(cluster, 1) as count, pytest.raises(BundleError, match="another model") as refused:
        list(run_tasks(answer_chunk, [task], count))
    assert_one_sentence(str(refused.value))


def test_what_ends_every_worker_ends_the_job_in_a_sentence(cluster):
    with workers(cluster, None) as count, pytest.raises(UsageError, match="7 has ended") as refused:
        list(run_tasks(end_process, [("7", ())], count))
    assert count == 2
    assert_one_sentence(str(refused.value))


def test_what_a_worker_cannot_import_ends_the_job_in_a_sentence(cluster):
    def unknown() -> None:
        pass

    unknown.__module__, unknown.__qualname__ = __name__, "unknown"
    sys.modules[__name__].unknown = unknown
    with workers(cluster, 1) as count, pytest.raises(UsageError, match="same version") as refused:
        list(run_tasks(unknown, [("7", ())], count))
    assert_one_sentence(str(refused.value))


def test_a_cluster_that_is_not_there_is_said_in_a_sentence(model, tmp_path):
    source = write_photos(tmp_path / "photos", 1)
    command = [sys.executable, "-m", "dogbreed", "bulk", str(source), f"--model={model}"]
    command += [f"--output={tmp_path / 'answers'}", "--ray=127.0.0.1:1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "The cluster at 127.0.0.1:1 cannot be joined" in done.stderr
    assert "Traceback" not in done.stderr
