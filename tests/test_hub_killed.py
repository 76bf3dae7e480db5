"""A push is killed at random moments: the repository is whole at each, and right at the end.

`DOGBREED_KILLS=50 python -m pytest tests/test_hub_killed.py` kills more often than CI does.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from dogbreed.bundle import WEIGHTS
from tests.helpers.running import ROOT
from tests.helpers.shell import Shell
from tests.helpers.tiny_bundle import write_bundle
from tests.hub import LocalHub

KILLS = int(os.environ.get("DOGBREED_KILLS", "4"))
# A push makes about this many requests; later ones are never reached, and it ends by itself.
MOST_REQUESTS = 22
LONGEST_DELAY = 0.05


def write_model(folder: Path, seed: int) -> Path:
    """A bundle whose files all differ from those of another seed."""
    (folder / "runs").mkdir(parents=True)
    rng = random.Random(seed)
    (folder / WEIGHTS).write_bytes(rng.randbytes(400_000))
    (folder / "runs" / "events").write_bytes(b"\0" + rng.randbytes(1000))
    return write_bundle(folder, temperature=1.0 + seed / 100)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def pushed(hub: LocalHub) -> dict[str, bytes]:
    if not hub.repo_exists("ann/dogs"):
        return {}
    files = hub.files("ann/dogs")
    del files[".gitattributes"]
    return files


def kill_push(hub: LocalHub, ann: Shell, model: Path, after: int, delay: float) -> bool:
    """Push, and kill the process some seconds after some requests; whether it was still there."""
    hub.clear_requests()
    command = [
        sys.executable,
        "-m",
        "dogbreed",
        "push",
        str(model),
        "ann/dogs",
        f"--tag={model.name}",
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env=ann.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while len(hub.requests) < after and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(delay)
    killed = process.poll() is None
    process.kill()
    assert process.wait() in (0, -9)
    return killed


def test_a_push_that_is_killed_leaves_the_repository_whole(tmp_path):
    seed = int(os.environ.get("DOGBREED_SEED", time.time_ns() % 1_000_000))
    rng, found = random.Random(seed), Counter()
    with LocalHub(tmp_path / "hub") as hub:
        hub.add_user("ann", "hf_ann")
        ann = Shell(hub, tmp_path / "home", "hf_ann")
        before: dict[str, bytes] = {}
        for number in range(KILLS):
            model = write_model(tmp_path / f"v{number}", number)
            after, delay = rng.randint(1, MOST_REQUESTS), rng.uniform(0, LONGEST_DELAY)
            killed = kill_push(hub, ann, model, after, delay)
            where = f"seed {seed}, push {number}: {after} requests, {delay:.3f} s"
            state = pushed(hub)
            assert state in (before, contents(model)), where
            found["killed" if killed else "ended", "new" if state != before else "old"] += 1

            run = ann.dogbreed("push", model, "ann/dogs", f"--tag={model.name}")
            assert run.code == 0, f"{where}: {run.err}"
            before = pushed(hub)
            assert before == contents(model), where
            commits = hub.commits("ann/dogs")
            assert len(commits) == number + 2, where
            assert hub.refs("ann/dogs")["tags"][model.name] == commits[0].oid, where
    print(f"seed {seed}:", dict(found))
