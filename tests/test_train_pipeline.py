"""What is fitted again when an option changes, and what is taken from the cache."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from dogbreed.errors import DatasetError
from dogbreed.train.data.columns import to_photos
from dogbreed.train.network.cached import Features
from dogbreed.train.options import Options
from dogbreed.train.pipeline import fit, name_skipped, train
from tests.helpers.photos import make_rows

COUNT, CLASSES = 60, 3
ROOT = Path(__file__).parent.parent


@pytest.fixture
def run(tmp_path):
    """Fits a small head; returns the folders of all fits so far, and when each was written."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((1, 1, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="avg_pool")(inputs)
    outputs = keras.layers.Dense(CLASSES, name="predictions")(pooled)
    classifier = keras.Model(inputs, outputs)
    begin = classifier.get_weights()
    labels = np.arange(COUNT) % CLASSES
    np.save(tmp_path / "0.npy", np.eye(3, dtype=np.float16)[labels])
    views = {"avg_pool": [Features([tmp_path / "0.npy"], "plain")]}
    photos = to_photos(make_rows([str(number) for number in labels]), "train")
    split = np.arange(40), np.arange(40, COUNT), np.arange(40)
    options = Options(
        tmp_path / "model", cache_dir=tmp_path, learning_rate=[0.1], l2=[0.0], epochs=2
    )

    def run(**changes: object) -> dict[Path, int]:
        classifier.set_weights(begin)
        changed = dataclasses.replace(options, **changes)
        fit(classifier, photos, views, split, changed, groups=np.arange(COUNT))
        return {file: file.stat().st_mtime_ns for file in tmp_path.glob("fits/*/history.json")}

    return run


def test_photos_without_a_dog_do_not_fit_the_heads_again(run):
    before = run()
    assert run(not_dogs="photos-of-cats") == before


def test_another_l2_weight_does_not_take_the_fits_of_the_first(run):
    """Neither those of the search, nor the final one, nor those of the folds."""
    before = run()
    after = run(l2=[0.5])
    assert len(after) == 2 * len(before) == 2 * 7
    assert {file: after[file] for file in before} == before


HOLD = """
import sys, time
from pathlib import Path
from dogbreed.train.disk import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_two_trainings_do_not_write_the_same_bundle_at_once(tmp_path, capsys):
    (tmp_path / "weights.h5").write_bytes(b"")
    options = Options(
        tmp_path / "model",
        dataset=str(tmp_path / "none"),
        backbone_weights=str(tmp_path / "weights.h5"),
        cache_dir=tmp_path / "cache",
    )
    with pytest.raises(DatasetError):
        train(options)
    assert "waiting" not in capsys.readouterr().err
    (folder,) = (tmp_path / "cache" / "outputs").iterdir()
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "locked\n"
    killer = subprocess.Popen(["sh", "-c", f"sleep 1; kill -9 {process.pid}"])
    with pytest.raises(DatasetError):
        train(options)
    assert f"Another training is computing {tmp_path / 'model'}" in capsys.readouterr().err
    process.wait()
    killer.wait()


def test_photos_that_cannot_be_decoded_are_named(tmp_path, capsys):
    photos = to_photos(make_rows(["a", "b", "a"]), "train")
    features = np.ones((3, 4), np.float16)
    features[1] = np.nan
    np.save(tmp_path / "0.npy", features)
    usable = name_skipped(photos, Features([tmp_path / "0.npy"], "plain"))
    assert usable.tolist() == [0, 2]
    assert "Skipped 1 photos" in capsys.readouterr().err
