"""Datasets are loaded as they are now, and what goes wrong is named for what it is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest

from dogbreed.errors import DatasetError
from dogbreed.train.data.load import load_evaluation_photos, load_training_data
from dogbreed.train.data.sources import load_dataset
from tests.helpers.photos import JXL, make_rows, write_photos

ROOT = Path(__file__).parent.parent
CARD = """---
configs:
- config_name: default
  data_files:
  - {split: train, path: data/train-*}
dataset_info:
  splits:
  - {name: train, num_examples: 20}
---
As downloaded from the Hub.
"""
KIND = datasets.ClassLabel(names=["a", "b"])


def write_parquet(root: Path, count: int, card: str | None = CARD) -> None:
    (root / "data").mkdir(parents=True, exist_ok=True)
    rows = make_rows([index % 2 for index in range(count)], kind=KIND)
    rows.to_parquet(root / "data" / "train-00000-of-00001.parquet")
    if card:
        (root / "README.md").write_text(card)


@pytest.mark.parametrize("card", [CARD, None], ids=["card", "no card"])
def test_files_that_have_changed_under_their_names_are_read_again(tmp_path, card):
    write_parquet(tmp_path, 20, card)
    first = load_evaluation_photos(str(tmp_path))
    again = load_evaluation_photos(str(tmp_path))
    assert len(first) == len(again) == 20 and first.fingerprint() == again.fingerprint()
    write_parquet(tmp_path, 40, card)
    assert len(load_evaluation_photos(str(tmp_path))) == 40
    # Also if there are as many of them, and if they look as old.
    stat = (tmp_path / "data" / "train-00000-of-00001.parquet").stat()
    write_parquet(tmp_path, 41, card)
    os.utime(
        tmp_path / "data" / "train-00000-of-00001.parquet", ns=(stat.st_atime_ns, stat.st_mtime_ns)
    )
    assert len(load_evaluation_photos(str(tmp_path))) == 41
    # What was loaded before is still there.
    assert len(first.encoded(19)) > 100


def test_files_that_have_not_changed_are_not_prepared_again(tmp_path):
    write_parquet(tmp_path, 20)
    files = [
        load_dataset(str(tmp_path)).splits["train"].cache_files[0]["filename"] for _ in range(2)
    ]
    written = Path(files[0]).stat().st_mtime_ns
    assert (
        load_dataset(str(tmp_path)).splits["train"].cache_files[0]["filename"]
        == files[0]
        == files[1]
    )
    assert Path(files[0]).stat().st_mtime_ns == written


def test_a_card_that_names_photos_decides_which_are_used(tmp_path):
    write_photos(tmp_path, {"some/a": 5, "some/b": 5, "more/a": 2})
    (tmp_path / "some" / "a" / "IMG.jxl").write_bytes(JXL)
    (tmp_path / "README.md").write_text(CARD.replace("data/train-*", "some/**"))
    data = load_training_data(str(tmp_path))
    assert np.bincount(data.train.labels).tolist() == [4, 4]
    assert data.left_out == {
        "not in any split": ["more/a/0.png", "more/a/1.png"],
        "JXL": ["some/a/IMG.jxl"],
    }


def test_pictures_next_to_data_files_are_not_the_data(tmp_path):
    write_parquet(tmp_path, 20, card=None)
    write_photos(tmp_path, {"assets": 2})
    data = load_training_data(str(tmp_path))
    assert len(data.train) == 16 and data.left_out == {
        "not in any split": ["assets/0.png", "assets/1.png"]
    }


def test_what_save_to_disk_wrote_is_read(tmp_path):
    make_rows(["a", "b"] * 5).save_to_disk(tmp_path)
    assert len(load_training_data(str(tmp_path)).train) == 8


def test_paths_in_a_column_of_text_start_from_the_folder(tmp_path):
    write_photos(tmp_path, {"photos": 10})
    rows = [{"file": f"photos/{n}.png", "label": "ab"[n % 2]} for n in range(10)]
    datasets.Dataset.from_list(rows).to_parquet(tmp_path / "data.parquet")
    data = load_training_data(str(tmp_path), image_column="file")
    assert len(data.train) == 8
    assert Path(data.train.encoded(0)).is_file()


def test_photos_that_are_not_there_are_left_out(tmp_path):
    write_photos(tmp_path, {"photos": 12})
    columns = {"file": [f"photos/{n}.png" for n in range(12)], "label": ["a", "b"] * 6}
    datasets.Dataset.from_dict(columns).save_to_disk(tmp_path)
    (tmp_path / "photos" / "0.png").unlink()
    data = load_training_data(str(tmp_path), image_column="file")
    assert data.left_out == {"without a photo": ["train row 0"]}
    assert len(data.train) + len(data.test) == 11
    shutil.rmtree(tmp_path / "photos")
    with pytest.raises(DatasetError, match=r"No photo of the split train can be found: .*0\.png"):
        load_training_data(str(tmp_path), image_column="file")


def test_a_file_is_not_a_dataset(tmp_path):
    (tmp_path / "data.csv").write_text("image,label\n")
    with pytest.raises(DatasetError, match=r"data\.csv is a file; name the folder"):
        load_training_data(str(tmp_path / "data.csv"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.csv", 'a,b\n"1,2\n3', "EOF inside string"),
        ("README.md", "---\nfoo: [\n---\n", "while parsing a flow node"),
        ("train.arrow", "not a table", "File is too small"),
    ],
)
def test_the_cause_of_an_error_is_named(tmp_path, name, content, message):
    (tmp_path / "rest.csv").write_text("a,b\n1,2\n")
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=rf"cannot be loaded .*{message}.*check the files"):
        load_training_data(str(tmp_path))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"cannot be loaded .*data files"):
        load_training_data(str(tmp_path))


def load_elsewhere(source: Path, **environment: str) -> str:
    """Load a dataset in a process with its own environment; returns what it printed."""
    code = (
        "import sys\n"
        "from dogbreed.errors import DatasetError\n"
        "from dogbreed.train.data.load import load_training_data\n"
        "try: print(len(load_training_data(sys.argv[1]).train), 'photos')\n"
        "except DatasetError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(source)]
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_cache_that_cannot_be_written_is_named_for_what_it_is(tmp_path):
    write_parquet(tmp_path / "data", 20)
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    told = load_elsewhere(tmp_path / "data", HF_HOME=str(cache))
    assert f"The cache folder {cache}" in told and "set HF_HOME" in told
    told = load_elsewhere(tmp_path / "data", HF_DATASETS_CACHE=str(cache))
    assert f"The cache folder {cache}" in told
    # A folder of photos needs none.
    write_photos(tmp_path / "photos", {"a": 5, "b": 5})
    assert load_elsewhere(tmp_path / "photos", HF_HOME=str(cache)) == "8 photos\n"


@pytest.mark.parametrize("kind", ["photos", "saved", "parquet"])
def test_a_dataset_that_is_read_only_is_read(tmp_path, kind):
    root = tmp_path / "data"
    if kind == "photos":
        write_photos(root, {"a": 5, "b": 5})
    elif kind == "saved":
        make_rows(["a", "b"] * 5).save_to_disk(root)
    else:
        write_parquet(root, 10)
    before = {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    data = load_training_data(str(root), limit_per_class=3)
    assert len(data.train) == 6 and len(data.train.fingerprint()) == 64
    # Permissions do not stop root.
    assert {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))} == before
