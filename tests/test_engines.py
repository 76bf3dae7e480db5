"""The engines: the right one for each processor, the same answers from all, refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dogbreed import DogBreedClassifier, cli
from dogbreed.bundle import (
    CONFIG,
    DEFAULT_BUNDLE,
    NETWORK,
    Bundle,
    copy_bundle,
    read_bundle,
    write_config,
)
from dogbreed.engines import CHOICES, processor, trial
from dogbreed.engines.litert import LiteRT
from dogbreed.engines.processor import fastest_engine
from dogbreed.errors import UsageError
from dogbreed.runtime import Network
from tests.conftest import REAL_DATA
from tests.helpers.shapes import write_folder, write_negatives
from tests.helpers.tiny_bundle import (
    SIZE,
    assert_one_sentence,
    build_network,
    expected_evidence,
    noise,
    write_bundle,
    write_trusted,
)

ENGINES = tuple(name for name in CHOICES if name != "auto")
# Instructions without 8-bit dot products, as far as OpenVINO may use them.
WITHOUT_VNNI = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
# At least so many answers, of those that LiteRT gives.
ALIKE = 0.985


@pytest.fixture(params=ENGINES)
def engine(request) -> str:
    """Each engine that is installed."""
    if request.param == "openvino":
        pytest.importorskip("openvino", reason="see requirements-openvino.txt")
    return request.param


@pytest.mark.parametrize(
    ("sets", "engine"),
    [
        ("avx2 avx512_vnni amx_int8", "openvino"),
        ("avx2 avx512f avx512_vnni", "litert"),
        ("avx2 avx_vnni", "litert"),
        ("avx2 avx512f", "openvino"),
        ("avx2", "openvino"),
        ("sse4_1", "litert"),
        # A Mac, or a processor by ARM.
        ("", "litert"),
    ],
)
def test_the_processor_decides(sets, engine):
    assert fastest_engine({*sets.split()}) == engine


@pytest.mark.parametrize("features", [False, True])
def test_every_engine_answers_right(engine, features, tmp_path):
    bundle = read_bundle(write_bundle(tmp_path / "bundle", build_network(features=features)))
    network = Network(bundle, engine)
    assert network.engine == engine and network.channels == 3 * features
    frame = noise(SIZE, SIZE)
    for future in [network.submit(lambda: frame) for _ in range(12)]:
        evidence, pooled = future.result(timeout=60)
        np.testing.assert_allclose(evidence, expected_evidence(frame), atol=1e-5)
        assert (pooled is not None) == features
        if pooled is not None:
            np.testing.assert_allclose(pooled[0], evidence.mean(axis=(0, 1)), atol=1e-5)


def test_an_answer_stays_the_same_when_the_next_is_given(engine, tmp_path):
    network = Network(read_bundle(write_bundle(tmp_path / "bundle")), engine)
    first = network.submit(lambda: noise(SIZE, SIZE)).result(timeout=60)[0]
    kept = first.copy()
    network.submit(lambda: noise(SIZE, SIZE, seed=1)).result(timeout=60)
    assert np.array_equal(first, kept)


def with_seven_bits(bundle: Bundle, folder: Path) -> Path:
    """A copy of a bundle with weights of 7 bits, or the bundle itself if it has them already."""
    if LiteRT(bundle).has_seven_bit_weights():
        return bundle.path
    from dogbreed.train.export.seven_bits import to_seven_bits

    copy_bundle(bundle, folder)
    network = to_seven_bits(bundle.network.read_bytes())
    (folder / NETWORK).write_bytes(network)
    # Writes the hash of the new file.
    (folder / CONFIG).unlink()
    write_config(folder, {key: value for key, value in bundle.config.items() if key != "files"})
    return folder


def real_photos(folder: Path) -> list[str]:
    """Some 200 test photos of the real data."""
    import datasets

    (file,) = Path(str(REAL_DATA), "stanford-dogs", "photos").glob("test-*.parquet")
    table = datasets.Dataset.from_parquet(str(file), cache_dir=str(folder / "cache"))
    table = table.cast_column("image", datasets.Image(decode=False))
    rows = table.select(range(0, len(table), len(table) // 200))
    paths = [folder / f"{number}.jpg" for number in range(len(rows))]
    for path, row in zip(paths, rows, strict=True):
        path.write_bytes(row["image"]["bytes"])
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
def asked(request, tmp_path_factory) -> tuple[Path, list[str]]:
    """A bundle with 7-bit weights and photos: the included one and dogs, or shapes without data."""
    pytest.importorskip("tensorflow", reason="it writes networks in 7 bits")
    folder = tmp_path_factory.mktemp("asked")
    if REAL_DATA:
        return with_seven_bits(read_bundle(DEFAULT_BUNDLE), folder / "bundle"), real_photos(folder)
    data = write_folder(folder / "shapes", per_class=0, test_per_class=50)
    write_negatives(folder / "shapes" / "none", count=50)
    bundle = read_bundle(request.getfixturevalue("trained_bundle"))
    return with_seven_bits(bundle, folder / "bundle"), [str(path) for path in data.rglob("*.png")]


ANSWERS = """
import json, sys
from dogbreed import DogBreedClassifier
classifier = DogBreedClassifier.from_pretrained(sys.argv[1], engine=sys.argv[2])
assert classifier.engine == sys.argv[2]
answers = classifier.predict_batch(json.load(sys.stdin))
print(json.dumps([[answer.labels[0], answer.looks_like_dog] for answer in answers]))
"""


def answers(asked: tuple[Path, list[str]], engine: str, **environ: str) -> np.ndarray:
    """For each photo the first label and whether it looks like a dog, in a process of its own."""
    bundle, photos = asked
    run = subprocess.run(
        [sys.executable, "-c", ANSWERS, str(bundle), engine],
        input=json.dumps(photos),
        env=os.environ | environ,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return np.array(json.loads(run.stdout))


@pytest.fixture(scope="module")
def expected(asked) -> np.ndarray:
    return answers(asked, "litert")


@pytest.mark.parametrize("environ", [{}, WITHOUT_VNNI], ids=["this processor", "AVX2"])
def test_the_same_breeds_and_the_same_rejections_as_with_litert(environ, asked, expected):
    pytest.importorskip("openvino", reason="see requirements-openvino.txt")
    # Otherwise any two engines would be alike.
    assert all(len({*column}) > 1 for column in expected.T) and len(expected) >= 190
    labels, verdicts = (answers(asked, "openvino", **environ) == expected).mean(axis=0)
    assert labels >= ALIKE and verdicts >= ALIKE


@pytest.mark.parametrize(
    ("largest", "sets", "limit", "fits"),
    [
        (127, {"avx2", "avx512_vnni"}, "", True),
        (127, {"avx2", "avx512_vnni"}, "AVX2", False),
        (127, {"avx2", "avx512_vnni"}, "AVX512_CORE_VNNI", True),
        (127, {"avx2"}, "", False),
        (65, {"avx2"}, "", False),
        (64, {"avx2"}, "", True),
    ],
)
def test_openvino_is_used_only_where_sums_do_not_overflow(
    largest, sets, limit, fits, tmp_path, monkeypatch
):
    pytest.importorskip("openvino", reason="see requirements-openvino.txt")
    monkeypatch.setattr(processor, "cpuinfo", lambda: {"flags": " ".join(sets)})
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    network = build_network(weights=largest)
    bundle = read_bundle(write_bundle(tmp_path / "bundle", network))
    # Its negative as well: it must not matter which of the two is larger.
    assert LiteRT(bundle).has_seven_bit_weights() == (largest <= 64)
    if fits:
        assert Network(bundle, "openvino").engine == "openvino"
        return
    with pytest.raises(UsageError, match="would answer wrongly") as caught:
        Network(bundle, "openvino")
    assert_one_sentence(str(caught.value))
    assert Network(bundle, "auto").engine == "litert"


@pytest.fixture
def favored(monkeypatch) -> None:
    """A processor on which OpenVINO is faster."""
    pytest.importorskip("openvino", reason="see requirements-openvino.txt")
    monkeypatch.setattr(processor, "cpuinfo", lambda: {"flags": "avx2 avx512_vnni amx_int8"})
    monkeypatch.delenv("DOGBREED_ENGINE", raising=False)


def test_the_fastest_engine_is_the_default_of_from_pretrained(favored, tmp_path, monkeypatch):
    path = write_bundle(tmp_path / "bundle")
    assert DogBreedClassifier.from_pretrained(path).engine == "openvino"
    assert DogBreedClassifier.from_pretrained(path, engine="litert").engine == "litert"
    monkeypatch.setenv("DOGBREED_ENGINE", "litert")
    assert DogBreedClassifier.from_pretrained(path).engine == "litert"
    monkeypatch.setenv("DOGBREED_ENGINE", "tpu")
    with pytest.raises(UsageError, match="There is no engine 'tpu'") as caught:
        DogBreedClassifier.from_pretrained(path)
    assert_one_sentence(str(caught.value))


def test_without_openvino_litert_answers(favored, tmp_path, monkeypatch):
    monkeypatch.setattr("dogbreed.engines.find_spec", lambda name: None)
    path = write_bundle(tmp_path / "bundle")
    assert DogBreedClassifier.from_pretrained(path).engine == "litert"
    with pytest.raises(UsageError, match=r"pip install .dogbreed\[openvino\].") as caught:
        DogBreedClassifier.from_pretrained(path, engine="openvino")
    assert_one_sentence(str(caught.value))


def test_a_network_that_openvino_cannot_read_is_left_to_litert(favored, tmp_path):
    path = write_bundle(tmp_path / "bundle", build_network(named=False))
    assert DogBreedClassifier.from_pretrained(path).engine == "litert"
    with pytest.raises(UsageError, match="OpenVINO cannot run") as caught:
        DogBreedClassifier.from_pretrained(path, engine="openvino")
    assert_one_sentence(str(caught.value))


def test_a_network_from_the_hub_is_tried_on_both_engines_first(favored, tmp_path, monkeypatch):
    bundle = read_bundle(write_bundle(tmp_path / "bundle"), address="ann/dogs", commit="0" * 40)
    assert Network(bundle, "auto").engine == "openvino"
    crash = "import os\nprint('ready', flush=True)\nos.abort()"
    monkeypatch.setitem(trial._TRIALS, "openvino", crash)
    assert Network(bundle, "auto").engine == "litert"
    with pytest.raises(UsageError, match="OpenVINO fails on the network of ann/dogs") as caught:
        Network(bundle, "openvino")
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("count", "options", "engine"),
    [(1, [], "litert"), (1, ["--engine=openvino"], "openvino"), (100, [], "openvino")],
)
def test_the_shell_starts_openvino_for_many_photos(
    favored, count, options, engine, photo, tmp_path, capsys
):
    model = write_trusted(tmp_path / "bundle")
    command = ["predict", *[str(photo)] * count, "--json", "--model", str(model), *options]
    assert cli.main(command) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["engine"] for row in rows} == {engine} and len(rows) == count
    assert {row["labels"][0]["name"] for row in rows} == {"Red disc"}


# Ends as a program ends, with everything freed.
FORK = """
import os, signal, sys
from dogbreed import DogBreedClassifier
classifier = DogBreedClassifier.from_pretrained(sys.argv[1], engine="openvino")
expected = [answer.labels for answer in classifier.predict_batch([sys.argv[2]] * 8)]
child = os.fork()
if not child:
    signal.alarm(60)
answers = classifier.predict_batch([sys.argv[2]] * 8)
assert [answer.labels for answer in answers] == expected
if not child:
    sys.exit(classifier.engine != "litert")
assert os.waitpid(child, 0)[1] == 0, "the child has failed"
print(classifier.engine)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_answers_with_litert(photo, tmp_path):
    pytest.importorskip("openvino", reason="see requirements-openvino.txt")
    command = [sys.executable, "-c", FORK, str(write_bundle(tmp_path / "bundle")), str(photo)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert run.stdout == "openvino\n", run.stderr


# Threads take turns as often as possible, and all of them ask for the first time at once.
AT_ONCE = """
import sys, threading
from dogbreed.bundle import read_bundle
from dogbreed.runtime import Network
from tests.helpers.tiny_bundle import SIZE, noise
sys.setswitchinterval(1e-6)
network = Network(read_bundle(sys.argv[1]), sys.argv[2])
together = threading.Barrier(network.window // 2)

def frame():
    together.wait(timeout=60)
    return noise(SIZE, SIZE)

futures = [network.submit(frame) for _ in range(network.window)]
print(len([future.result(timeout=30) for future in futures]) == network.window)
# Threads that wait for each other would not end.
import os; sys.stdout.flush(); os._exit(0)
"""


def test_the_first_photos_may_all_come_at_once(engine, tmp_path):
    """Two threads that load NumPy into OpenVINO together would wait for each other."""
    command = [sys.executable, "-c", AT_ONCE, str(write_bundle(tmp_path / "bundle")), engine]
    for _ in range(2):
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert run.stdout == "True\n", run.stderr
