"""The whole loop over HTTP: a dataset on the Hub, training, push, load, a Space that answers."""

import csv
import json
import shlex
import subprocess
import sys
import time
import urllib.request
import venv
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from huggingface_hub import ModelCard

from dogbreed import DogBreedClassifier
from dogbreed.bundle import CARD, CONFIG, CONFUSIONS, NETWORK, REJECTION, WEIGHTS, read_bundle
from dogbreed.wording import as_json
from tests.helpers.on_hub import ANSWER, downloads
from tests.helpers.parquet import image_parquet
from tests.helpers.running import free_port
from tests.helpers.shapes import LABELS, draw_shape
from tests.helpers.shell import Run, Shell
from tests.hub import LocalHub

# What `serve --collect user/dataset` does when visitors correct answers.
KEEP = """
import sys
from pathlib import Path
from dogbreed import DogBreedClassifier
from dogbreed.corrections import Corrections
from dogbreed.hub import uploading
source, folder, label, *photos = sys.argv[1:]
classifier = DogBreedClassifier.from_pretrained(source)
with uploading(Path(folder), "ann/kept") as lock:
    corrections = Corrections(Path(folder), classifier.bundle, lock)
    for photo in photos:
        corrections.keep(photo, label, classifier.predict(photo))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A Hub with a small dataset repository, written in two commits."""
    root = tmp_path_factory.mktemp("loop")
    with LocalHub(root / "hub") as hub:
        hub.add_user("ann", "hf_ann")
        hub.create_repo("someone/dogs", "dataset")
        for split, count, offset in (("train", 12, 0), ("test", 4, 1000)):
            rows = [
                (encode(draw_shape(label, offset + index), root), label)
                for label in range(3)
                for index in range(count)
            ]
            name = f"data/{split}-00000-of-00001.parquet"
            hub.commit_files("someone/dogs", {name: image_parquet(rows, list(LABELS))}, "dataset")
        hub.create_repo("ann/thesis")
        hub.commit_files("ann/thesis", {"thesis.bin": b"\0" * 99})
        yield hub


def encode(image, folder: Path) -> bytes:
    path = folder / "shape.png"
    image.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def ann(hub, tmp_path_factory) -> Shell:
    return Shell(hub, tmp_path_factory.mktemp("ann"), "hf_ann")


@pytest.fixture(scope="module")
def options(quick_options, negatives_folder) -> list[str]:
    """The photos are those of the other trainings, so their features are known."""
    return [*quick_options, "--dataset=someone/dogs", f"--not-dogs={negatives_folder}"]


@pytest.fixture(scope="module")
def trained(hub, ann, options, tmp_path_factory) -> tuple[Path, Run]:
    """The bundle that train.py wrote and pushed, and what it printed."""
    output = tmp_path_factory.mktemp("bundles") / "shapes"
    push = ("--push-to=ann/shapes", "--tag=v1")
    run = ann.script("train.py", *options, f"--output={output}", *push)
    assert run.code == 0, run.err
    return output, run


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.png"
    draw_shape(0, 2000).save(path)
    return path


def test_training_takes_the_data_from_the_hub_and_pushes_the_bundle(hub, trained):
    output, run = trained
    assert f"Pushed to {hub.endpoint}/ann/shapes" in run.out
    bundle = read_bundle(output, [NETWORK, WEIGHTS])
    training = bundle.config["training"]
    (data_commit, *_) = hub.commits("someone/dogs", "dataset")
    assert (training["dataset"], training["revision"]) == ("someone/dogs", data_commit.oid)
    assert training["splits"]["train"]["photos"] == 36

    (commit, _) = hub.commits("ann/shapes")
    top_1, top_3 = bundle.headline
    assert commit.title == (
        f"Top-1 {100 * top_1['value']:.2f} %, top-3 {100 * top_3['value']:.2f} % "
        "on 12 photos of someone/dogs/test"
    )
    assert hub.refs("ann/shapes")["tags"] == {"v1": commit.oid}
    there = hub.files("ann/shapes")
    local = {p.relative_to(output).as_posix(): p for p in output.rglob("*") if p.is_file()}
    assert there.keys() == {".gitattributes", *local}
    assert all(there[name] == local[name].read_bytes() for name in local if name != CARD)
    assert [name for name in there if name.startswith("runs/")]


def test_the_card_on_the_hub_names_repository_and_data(hub, trained, tmp_path):
    path = tmp_path / "card.md"
    path.write_bytes(hub.files("ann/shapes")[CARD])
    card = ModelCard.load(path)
    assert 'from_pretrained("ann/shapes")' in card.text and "USER/MODEL" not in card.text
    assert "--init-from ann/shapes" in card.text
    assert card.data.datasets == ["someone/dogs"]
    assert card.data.to_dict().get("base_model") is None
    (commit, *_) = hub.commits("someone/dogs", "dataset")
    assert {result.dataset_revision for result in card.data.eval_results} == {commit.oid}


def test_a_new_process_answers_the_same_from_the_hub_only(hub, ann, trained, photo, tmp_path):
    output, _ = trained
    hub.clear_requests()
    run = Shell(hub, tmp_path / "home").python(ANSWER, json.dumps(["ann/shapes", "v1"]), photo)
    evidence, source, commit = json.loads(run.out)
    local = DogBreedClassifier.from_pretrained(output)
    assert evidence == local.evidence_map(photo).tolist()
    assert (source, commit) == ("ann/shapes@v1", hub.refs("ann/shapes")["tags"]["v1"])
    assert set(downloads(hub)) == {CONFIG, NETWORK, REJECTION, Path(CONFUSIONS).name}
    run = ann.dogbreed("predict", photo, "--json", "--model", "ann/shapes@v1")
    assert json.loads(run.out) == [
        {"file": str(photo), "engine": "litert", **as_json(local.predict(photo), local.bundle)}
    ]


def test_training_with_corrections_starts_from_the_hub_and_a_failed_push_can_be_repeated(
    hub, ann, options, trained, photo, shapes_folder, tmp_path
):
    output = tmp_path / "further"
    tested = shapes_folder / "test" / LABELS[0] / "000.png"
    kept = ann.python(KEEP, trained[0], tmp_path / "kept", LABELS[0], photo, tested)
    assert kept.code == 0, kept.err
    hub.clear_requests()
    fault = hub.fail_next("POST", "/commit/", status=503)
    run = ann.script(
        "train.py",
        *options,
        "--init-from=ann/shapes@v1",
        "--epochs=1",
        "--no-final-fit",
        "--corrections=ann/kept",
        f"--output={output}",
        "--push-to=ann/further",
        "--private",
        "--tag=v2",
    )
    assert (fault.used, run.code) == (1, 2)
    assert run.last == (
        "train.py: The Hub is temporarily unavailable (error 503); try again in a few minutes."
    )
    assert {name for name in downloads(hub) if name == WEIGHTS} == {WEIGHTS}
    training = read_bundle(output, [NETWORK, WEIGHTS]).config["training"]
    assert "2 corrections of ann/kept to train" in run.err
    # One shows a test photo, which stays.
    assert "1 correction not trained on" in run.err
    assert [training["splits"][name]["photos"] for name in ("train", "test")] == [37, 12]
    start = training["init_from"]
    assert start["address"] == "ann/shapes@v1" == training["options"]["init_from"]
    assert start["commit"] == hub.refs("ann/shapes")["tags"]["v1"]

    def first_epoch(bundle: Path) -> dict[str, str]:
        with (bundle / "metrics" / "history.csv").open() as file:
            return next(csv.DictReader(file))

    from_scratch, continued = first_epoch(trained[0]), first_epoch(output)
    assert float(continued["cross_entropy"]) < 0.8 * float(from_scratch["cross_entropy"])

    (again,) = [line for line in run.out.splitlines() if "dogbreed push" in line and "v2" in line]
    command = shlex.split(again)
    assert command[:3] == ["python", "-m", "dogbreed"]
    assert ann.dogbreed(*command[3:]).code == 0
    assert hub.settings("ann/further")["private"] and "v2" in hub.refs("ann/further")["tags"]
    path = tmp_path / "card.md"
    path.write_bytes(hub.files("ann/further")[CARD])
    data = ModelCard.load(path).data.to_dict()
    assert (data["base_model"], data["base_model_relation"]) == ("ann/shapes", "finetune")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--push-to=bob/dogs"], "Your token does not permit"),
        (["--push-to=ann/shapes", "--tag=v1"], "already names another state"),
        (["--push-to=ann/thesis"], "not part of a model bundle (thesis.bin)"),
        (["--push-to=dogs"], "name it as user/name"),
        (["--tag=v1"], "--tag goes with --push-to"),
        (["--private"], "--private goes with --push-to"),
        (["--replace"], "--replace goes with --push-to"),
    ],
)
def test_what_would_stop_the_push_is_reported_before_the_training(
    arguments, expected, hub, ann, options, trained, tmp_path, record_property
):
    hub.clear_requests()
    run = ann.script("train.py", *options, f"--output={tmp_path / 'model'}", *arguments)
    record_property("failure", f"train.py {' '.join(arguments)}")
    record_property("sentence", run.last)
    assert run.code == 2 and expected in run.last
    assert not [r for r in hub.requests if "someone/dogs" in r.path]
    assert not (tmp_path / "model").exists()


def test_what_reached_the_space_runs_and_answers(hub, ann, trained, photo, tmp_path):
    """With the Space's files, requirements and variables, and nothing else."""
    run = ann.dogbreed("deploy-space", "ann/page", "--model", "ann/shapes@v1")
    assert run.code == 0, run.err
    space = tmp_path / "space"
    for name, content in hub.files("ann/page", "space").items():
        (space / name).parent.mkdir(parents=True, exist_ok=True)
        (space / name).write_bytes(content)

    # Without a pip of its own, which would take seconds to install.
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    install = [*pip, "install", "--quiet", "-r", space / "requirements.txt"]
    installed = subprocess.run(install, capture_output=True, text=True, timeout=600)
    if "NewConnectionError" in installed.stderr or "NameResolutionError" in installed.stderr:
        pytest.skip("the package index cannot be reached")
    assert installed.returncode == 0, installed.stderr

    port = free_port()
    variables = hub.settings("ann/page", "space")["space"]["variables"]
    environ = Shell(hub, tmp_path / "home").environ()
    environ |= {name: variable["value"] for name, variable in variables.items()}
    # As Spaces set them.
    environ |= {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": str(port)}
    environ.pop("PYTHONPATH", None)
    log = tmp_path / "log.txt"
    with log.open("w") as out:
        page = subprocess.Popen([python, "app.py"], cwd=space, env=environ, stdout=out, stderr=out)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 90
        while "The page is at" not in log.read_text():
            assert page.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        if sys.platform == "linux":
            # It answers at another loopback address only if it listens on all of them.
            urllib.request.urlopen(f"http://127.0.0.2:{port}", timeout=10).close()
        answer = Client(address, verbose=False).predict(handle_file(photo), api_name="/predict")
    finally:
        page.terminate()
        page.wait(timeout=20)
    expected = DogBreedClassifier.from_pretrained(trained[0]).predict(photo)
    found = {row["label"]: row["confidence"] for row in answer["confidences"]}
    assert list(found) == list(expected.labels) and answer["label"] == "Red disc"
    assert list(found.values()) == pytest.approx(expected.probabilities)
