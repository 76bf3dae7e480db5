"""What several tests need: small data, a small trained bundle, and real data where there is any."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

# The Hub's client reads these when it is imported, so they are set before anything else is.
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.pop("DOGBREED_MODEL", None)
# The same on every processor; the tests of the others name them.
os.environ["DOGBREED_ENGINE"] = "litert"

from tests.helpers.chromium import find_chromium
from tests.helpers.kill_training import start
from tests.helpers.running import ROOT
from tests.helpers.shapes import write_backbone, write_folder, write_negatives
from tests.helpers.shell import Shell
from tests.helpers.small_disk import small_disk
from tests.helpers.tiny_bundle import draw_disc, write_bundle
from tests.hub import LocalHub

REAL_DATA = os.environ.get("DOGBREED_DATA")
# The files that take longest, longest first.
LONGEST = (
    "test_faults_training.py",
    # Not on the bundle that the first one begins with.
    "test_train_assess.py",
    "test_hub_loop.py",
    "test_training.py",
    "test_train_yardstick.py",
    "test_page_serve.py",
    "test_train_formats.py",
    "test_train_features.py",
    "test_train_litert.py",
    "test_train_trainer.py",
    "test_train_fit.py",
    "test_train_backbone.py",
    "test_train_article.py",
    "test_train_card.py",
    "test_page_security.py",
    "test_page_load.py",
    "test_hub_killed.py",
    "test_hostile_images.py",
    "test_hub_load.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest files, or one worker has one of them left when the others are done."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Makes a folder once for all workers of the tests; it appears when it is complete."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def once(name: str, make: Callable[[Path], object]) -> Path:
        folder, partial = shared / name, shared / f"{name}.partial"
        with FileLock(shared / f"{name}.lock"):
            if not folder.exists():
                partial.mkdir()
                make(partial)
                partial.rename(folder)
        return folder

    return once


@pytest.fixture(scope="session")
def shapes_folder(once) -> Path:
    """An image folder of colored shapes: 12 to train and 4 to test of each of 3 classes."""
    return once("data", lambda folder: write_folder(folder / "shapes")) / "shapes"


@pytest.fixture(scope="session")
def negatives_folder(once) -> Path:
    """A folder of photos without a shape."""
    return once("negatives", lambda folder: write_negatives(folder / "noise")) / "noise"


@pytest.fixture(scope="session")
def backbone_weights(once) -> Path:
    """Weights of a backbone that can distinguish the shapes, for photos of 75 pixels."""
    name = "tiny.weights.h5"
    return once("backbone", lambda folder: write_backbone(folder / name)) / name


@pytest.fixture(scope="session")
def quick_options(shapes_folder, backbone_weights, once) -> list[str]:
    """Options of train.py for a real training that takes seconds.

    All workers have one cache, so that what one training has computed is read by the next.
    """
    return [
        f"--dataset={shapes_folder}",
        f"--backbone-weights={backbone_weights}",
        f"--cache-dir={once('cache', lambda folder: None)}",
        "--image-size=75",
        "--validation-per-class=3",
        "--learning-rate=0.01",
        "--l2=0",
        "--augment-views=0",
        "--epochs=20",
    ]


@pytest.fixture(scope="session")
def trained_options(quick_options, negatives_folder) -> list[str]:
    """Those of `trained_bundle`."""
    return [*quick_options, f"--not-dogs={negatives_folder}", "--examples=3"]


@pytest.fixture(scope="session")
def trained_bundle(trained_options, once) -> Path:
    """A bundle that train.py wrote from the shapes and from photos without one.

    Written by a process of its own: Keras numbers the layers that a process makes, and their names
    are in the exported network, which is compared with those of other trainings.
    """

    def train(folder: Path) -> None:
        run = start(trained_options, folder, stderr=subprocess.PIPE, with_cache=False)
        _, said = run.communicate()
        assert run.returncode == 0, said[-3000:]

    return once("trained", train) / "model"


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of two nodes with a core each."""
    # Imported here: few tests need it.
    from ray.cluster_utils import Cluster

    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    # The nodes find the package as if it were installed there, and do not wait for what else runs.
    changes = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0", "PYTHONPATH": path}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in changes.items():
            patch.setenv(name, value)
        cluster = Cluster()
        for _ in range(2):
            cluster.add_node(num_cpus=1, include_dashboard=False, object_store_memory=150 << 20)
        yield cluster.address
        cluster.shutdown()


@pytest.fixture
def hub(tmp_path) -> Iterator[LocalHub]:
    """A Hub with two users, both of whom may write."""
    with LocalHub(tmp_path / "hub") as hub:
        hub.add_user("ann", "hf_ann")
        hub.add_user("bob", "hf_bob")
        yield hub


@pytest.fixture
def ann(hub, tmp_path) -> Shell:
    """Ann at a computer of her own."""
    return Shell(hub, tmp_path / "home", "hf_ann")


@pytest.fixture
def bob(hub, tmp_path) -> Shell:
    """Bob, whose cache is empty."""
    return Shell(hub, tmp_path / "home", "hf_bob")


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk with room for two megabytes."""
    with small_disk(tmp_path / "disk", 2) as mounted:
        if not mounted:
            pytest.skip("this process may not mount a disk")
        yield tmp_path / "disk"


@pytest.fixture
def photo(tmp_path) -> Path:
    """A photo of a red disc."""
    path = tmp_path / "photo.png"
    draw_disc().save(path)
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A small bundle."""
    return write_bundle(tmp_path_factory.mktemp("tiny") / "bundle")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser of the tests in e2e/."""
    path = find_chromium()
    if path is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    return path


@pytest.fixture(scope="session")
def playwright_session(chromium_path):
    """Playwright, started once."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photos, where there is one."""
    if not REAL_DATA:
        pytest.skip("DOGBREED_DATA does not name a folder with stanford-dogs")
    return Path(REAL_DATA)
