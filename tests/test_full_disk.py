"""A full disk is said in one sentence, whichever library finds it."""

import argparse
import errno

import pytest

from dogbreed import cli
from dogbreed.errors import HubError, UsageError
from dogbreed.full_disk import full_disk_explained
from tests.helpers.tiny_bundle import assert_one_sentence


@pytest.mark.parametrize(
    "raised",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
        RuntimeError("Can't write data (errno = 28, error message = 'No space left on device')"),
        OSError("73728 requested and 31936 written"),
    ],
)
def test_a_full_disk_is_said_in_a_sentence_whoever_finds_it(raised):
    with pytest.raises(UsageError, match="The disk is full") as error, full_disk_explained():
        raise ValueError("cannot save") from raised
    assert_one_sentence(str(error.value))


def test_other_errors_stay_as_they_are():
    with pytest.raises(KeyError), full_disk_explained():
        raise KeyError("labels")


def test_a_sentence_that_knows_more_stays():
    with pytest.raises(HubError, match="The cache"), full_disk_explained():
        raise HubError("The cache cannot be written.") from OSError(errno.ENOSPC, "No space left")


def test_every_command_says_it(disk, capsys):
    def write(options: argparse.Namespace) -> int:
        (disk / "answers").write_bytes(bytes(3_000_000))
        return 0

    assert cli._run(argparse.ArgumentParser(prog="dogbreed"), write, []) == 2
    said = capsys.readouterr().err
    assert said.startswith("dogbreed: The disk is full; free some space")
    assert said.count("\n") == 1
