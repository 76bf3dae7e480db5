"""What Ray's workers compute is what one process computes.

A whole training with them, some of which are killed, is in test_faults_training.py.
"""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from dogbreed.bundle import read_bundle
from dogbreed.errors import UsageError
from dogbreed.train.data.load import load_evaluation_photos
from dogbreed.train.network import features, frozen, workers
from dogbreed.train.network.backbone import build_backbone, weights_fingerprint
from dogbreed.train.network.features import Extractor
from dogbreed.train.network.frozen import Wanted
from dogbreed.train.network.served import Shown, open_here
from tests.helpers.bulk_data import large_photo
from tests.helpers.running import processes
from tests.helpers.shapes import write_folder
from tests.helpers.tiny_bundle import assert_one_sentence
from train import main


@pytest.fixture(scope="module")
def both(cluster) -> Iterator[workers.Workers]:
    """Workers on two nodes."""
    with workers.joined(cluster) as both:
        yield both


def test_workers_continue_what_is_cached_bit_for_bit(both, backbone_weights, tmp_path, monkeypatch):
    monkeypatch.setattr(features, "SHARD_ROWS", 5)
    monkeypatch.setattr(frozen, "BATCH_SIZE", 5)
    root = write_folder(tmp_path / "data", per_class=2, test_per_class=4)
    sorted((root / "test").rglob("*.png"))[7].write_bytes(b"no photo")
    photos, backbone = load_evaluation_photos(str(root)), build_backbone(backbone_weights, 75)
    fingerprint, boundaries = weights_fingerprint(backbone), ("avg_pool", "mixed8")

    def extract(cache: str, computing: workers.Workers | None, view: str) -> dict[str, bytes]:
        extractor = Extractor(
            backbone,
            fingerprint,
            resize="crop",
            seed=1,
            cache_dir=tmp_path / cache,
            workers=computing,
        )
        found = extractor.extract(photos, photos.fingerprint(), view, boundaries)
        assert found["avg_pool"].decodable().tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
        return {
            str(path.relative_to(tmp_path / cache)): path.read_bytes()
            for path in (tmp_path / cache).rglob("*.npy")
        }

    expected = extract("one process", None, "random-1")
    assert extract("workers", both, "random-1") == expected
    shards = sorted((tmp_path / "workers").rglob("*.npy"))
    assert len(shards) == 6
    shards[1].unlink()
    kept = {path: path.stat().st_mtime_ns for path in shards if path != shards[1]}
    assert extract("workers", both, "random-1") == expected
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_workers_answer_bit_for_bit_although_one_is_killed(
    both, trained_bundle, tmp_path, monkeypatch
):
    """In their order, whatever the views; from a path that only this process opens, or bytes."""
    monkeypatch.setattr(workers, "ANSWERED", 8)
    bundle = read_bundle(trained_bundle)
    path = tmp_path / "photo.jpg"
    path.write_bytes(large_photo())
    photo = path.read_bytes()
    files = [photo, str(path), photo, b"no photo", str(tmp_path / "none.jpg")]
    views = ("plain", "degraded-1", "degraded-2")
    shown: list[Shown] = [(files[n % 5], views[n % 3], (1, n)) for n in range(124)]
    expected = list(open_here(bundle)(shown))

    def disturbed() -> Iterator[Shown]:
        yield from shown[:64]
        os.kill(processes("ray::answer_photos")[0], signal.SIGKILL)
        yield from shown[64:]

    answers = list(both.open(bundle)(disturbed()))
    assert [answer is None for answer in answers] == [n % 5 > 2 for n in range(124)]
    assert len(answers) == len(expected)
    for answer, wanted in zip(answers, expected, strict=True):
        if wanted is not None:
            assert [each.tobytes() for each in answer] == [each.tobytes() for each in wanted]
            assert answer[0].shape == (3,) and answer[1].shape == (1, 2048)


def test_a_machine_without_bfloat16_does_not_stand_in_for_one_with_it(monkeypatch):
    monkeypatch.setattr(workers, "best_precision", lambda: "float32")
    wanted = Wanted("plain", ("avg_pool",), "bfloat16")
    parts = workers.Parts("0", 75, "crop", 1, [np.zeros(1)])
    with pytest.raises(UsageError, match="cannot compute in bfloat16") as refused:
        workers.compute_shard(parts, wanted, range(1), [np.empty(0, np.uint8)])
    assert_one_sentence(str(refused.value))


def test_a_cluster_that_is_not_there_is_said_before_anything_is_read(
    quick_options, tmp_path, capsys
):
    assert main([*quick_options, f"--output={tmp_path / 'new'}", "--ray=127.0.0.1:1"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "The cluster at 127.0.0.1:1 cannot be joined" in line
    assert not (tmp_path / "new").exists()


def test_without_ray_it_says_what_to_install(quick_options, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("dogbreed.train.checks.find_spec", lambda name: None)
    assert main([*quick_options, f"--output={tmp_path / 'new'}", "--ray"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == "train.py: --ray needs ray; run `pip install -r requirements-bulk.txt`."
