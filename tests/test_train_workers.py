"""What Ray's workers compute is what one process computes.

A whole training with them, one of which is killed, is in test_faults_training.py.
"""

import numpy as np
import pytest

from dogbreed.errors import UsageError
from dogbreed.train.data.load import load_evaluation_photos
from dogbreed.train.network import features, frozen, workers
from dogbreed.train.network.backbone import build_backbone, weights_fingerprint
from dogbreed.train.network.features import Extractor
from dogbreed.train.network.frozen import Wanted
from tests.helpers.shapes import write_folder
from tests.helpers.tiny_bundle import assert_one_sentence
from train import main


def test_workers_continue_what_is_cached_bit_for_bit(
    cluster, backbone_weights, tmp_path, monkeypatch
):
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
    with workers.joined(cluster) as both:
        assert extract("workers", both, "random-1") == expected
        shards = sorted((tmp_path / "workers").rglob("*.npy"))
        assert len(shards) == 6
        shards[1].unlink()
        kept = {path: path.stat().st_mtime_ns for path in shards if path != shards[1]}
        assert extract("workers", both, "random-1") == expected
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


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
