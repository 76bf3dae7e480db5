"""Datasets on the Hub: rows, and folders of photos that are read as local ones are."""

import io
import json

import pytest

from tests.helpers.photos import make_rows, photo
from tests.helpers.shell import Shell
from tests.hub import LocalHub

LOAD = """
import json, sys
import numpy as np
from dogbreed.train.data.load import load_training_data
data = load_training_data(sys.argv[1])
counts = [np.bincount(photos.labels).tolist() for photos in (data.train, data.test)]
found = {"labels": data.train.label_names, "counts": counts, "revision": data.revision}
found |= {"left_out": data.left_out, "digest": data.train.fingerprint()}
print(json.dumps(found))
"""


def encoded() -> bytes:
    file = io.BytesIO()
    photo().save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def hub(tmp_path):
    with LocalHub(tmp_path / "hub") as hub:
        hub.create_repo("someone/lab", "dataset")
        names = ("beaker", "flask", "test_tube")
        files = {f"{name}/{n}_val_{n}.png": encoded() for name in names for n in range(5)}
        files |= {"flask/photo.jxl": b"\xff\x0a", "README.md": b"# Lab\n"}
        hub.commit_files("someone/lab", files, "dataset")
        yield hub


def test_class_folders_on_the_hub_are_read_by_the_same_rule(hub, tmp_path):
    done = Shell(hub, tmp_path / "home").python(LOAD, "someone/lab")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["labels"] == ["beaker", "flask", "test_tube"]
    assert found["counts"] == [[4, 4, 4], [1, 1, 1]]
    assert found["revision"] == hub.commits("someone/lab", "dataset")[0].oid
    assert found["left_out"] == {"JXL": ["flask/photo.jxl"]}


def test_a_card_that_names_files_is_followed(hub, tmp_path):
    card = "---\nconfigs:\n- config_name: default\n  data_files: '*a*/*'\n---\n"
    hub.commit_files("someone/lab", {"README.md": card.encode()}, "dataset")
    done = Shell(hub, tmp_path / "home").python(LOAD, "someone/lab")
    assert json.loads(done.out)["labels"] == ["beaker", "flask"], done.err


def test_rows_on_the_hub_are_read_with_the_commit(hub, tmp_path):
    hub.create_repo("someone/dogs", "dataset")
    files = {}
    for split, count in (("train", 8), ("test", 4)):
        file = io.BytesIO()
        make_rows(["a", "b"] * (count // 2)).to_parquet(file)
        files[f"data/{split}-00000-of-00001.parquet"] = file.getvalue()
    hub.commit_files("someone/dogs", files, "dataset")
    shell = Shell(hub, tmp_path / "home")
    found = json.loads(shell.python(LOAD, "someone/dogs").out)
    assert found["counts"] == [[4, 4], [2, 2]] and not any(found["left_out"].values())
    assert found["revision"] == hub.commits("someone/dogs", "dataset")[0].oid
