"""Two trainings do not mix their files, and nothing is begun that does not fit."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from dogbreed.errors import UsageError
from dogbreed.train.disk import check_space, locked
from tests.helpers.tiny_bundle import assert_one_sentence

ROOT = Path(__file__).parent.parent
HOLD = """
import sys, time
from pathlib import Path
from dogbreed.train.disk import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_waited_for_and_ends_with_its_process(tmp_path, capsys):
    folder = tmp_path / "fit"
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "locked\n"
    started = time.monotonic()
    killer = subprocess.Popen(["sh", "-c", f"sleep 1; kill -9 {process.pid}"])
    with locked(folder):
        waited = time.monotonic() - started
    process.wait()
    killer.wait()
    assert waited >= 0.9
    assert "Another training is computing fit" in capsys.readouterr().err


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    (tmp_path / ".0.npy.123.partial").write_bytes(b"half")
    (tmp_path / "1.npy").write_bytes(b"whole")
    with locked(tmp_path):
        assert not (tmp_path / ".0.npy.123.partial").exists()
    assert (tmp_path / "1.npy").read_bytes() == b"whole"


def test_what_does_not_fit_is_refused(tmp_path):
    check_space(tmp_path, 1, "Features")
    with pytest.raises(UsageError, match=r"Features need 1000000000\.0 GB") as error:
        check_space(tmp_path, 10**18, "Features")
    assert_one_sentence(str(error.value))
