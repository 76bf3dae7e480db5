"""The cache of models from the Hub: without a network, after downloads cut off, read-only."""

from collections.abc import Iterator

import pytest
from tqdm import tqdm

from dogbreed.bundle import DEFAULT_BUNDLE, NETWORK
from tests.helpers.on_hub import put, tiny
from tests.helpers.shell import Shell
from tests.helpers.small_disk import grow
from tests.helpers.tiny_bundle import assert_one_sentence, build_network, draw_disc
from tests.hub import MIB


@pytest.mark.parametrize("obstacle", ["no network", "unavailable", "offline mode"])
def test_a_cached_copy_is_used_with_a_notice(obstacle, hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    command = ("predict", photo, "--model", "ann/dogs")
    online = bob.dogbreed(*command)
    assert "cached copy" not in online.err
    environ = {}
    if obstacle == "no network":
        hub.stop()
    elif obstacle == "unavailable":
        hub.fail_next("HEAD", status=503, times=None)
    else:
        environ = {"HF_HUB_OFFLINE": "1"}
    cached = bob.dogbreed(*command, **environ)
    assert (cached.code, cached.out) == (0, online.out)
    (notice,) = [line for line in cached.err.splitlines() if "Hub" in line]
    assert notice.endswith("; using the cached copy of ann/dogs.")


def test_a_cached_copy_does_not_hide_a_refusal(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    command = ("predict", photo, "--model", "ann/dogs")
    assert bob.dogbreed(*command).code == 0
    run = bob.dogbreed(*command, HF_TOKEN="hf_wrong")
    assert run.code == 2 and "does not accept your token" in run.last


def test_a_download_that_was_cut_off_is_resumed(hub, bob, photo):
    put(hub, "ann/dogs", DEFAULT_BUNDLE)
    cut = hub.fail_next("GET", NETWORK, cut_after=15 * MIB)
    # Bars are for a terminal; the client shows them elsewhere if this is set.
    run = bob.dogbreed("predict", photo, "--json", "--model", "ann/dogs", TQDM_POSITION="-1")
    here = Shell(hub, bob.home).dogbreed("predict", photo, "--json")
    assert (cut.used, run.code, run.out) == (1, 0, here.out)
    # The network in two parts, then the arrays of the rejection rule.
    _, second, _ = (r for r in hub.requests if r.path.startswith("/cdn/"))
    assert second.status == 206 and second.headers["range"] == f"bytes={10 * MIB}-"
    whole = tqdm.format_sizeof((DEFAULT_BUNDLE / NETWORK).stat().st_size)
    assert f"{whole}/{whole}" in run.err, "no progress was shown"


def test_an_update_that_was_cut_off_leaves_the_old_copy_usable(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path, "old", temperature=0.5))
    command = ("predict", photo, "--json", "--model", "ann/dogs")
    old = bob.dogbreed(*command)
    network = build_network(features=True)
    put(hub, "ann/dogs", tiny(tmp_path, "new", network=network, temperature=2.0))
    cut = hub.fail_next("GET", NETWORK, status=503, times=None)
    run = bob.dogbreed(*command)
    assert cut.used and (run.code, run.out) == (0, old.out)
    assert "temporarily unavailable (error 503); using the cached copy of ann/dogs." in run.err
    hub.stop()
    offline = bob.dogbreed(*command)
    assert (offline.code, offline.out) == (0, old.out)
    hub.start()
    hub.clear_faults()
    assert bob.dogbreed(*command).out != old.out


@pytest.fixture
def read_only(hub, tmp_path) -> Iterator[Shell]:
    """A user who has used a model whose cache can no longer be written."""
    home = tmp_path / "home"
    user = Shell(hub, home, "hf_bob", obeys_permissions=True)
    put(hub, "ann/dogs", tiny(tmp_path, temperature=0.5))
    photo = tmp_path / "photo.png"
    draw_disc().save(photo)
    assert user.dogbreed("predict", photo, "--model", "ann/dogs").code == 0
    folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield user
    for folder in folders:
        folder.chmod(0o755)


def test_a_read_only_cache_is_enough(read_only, hub, photo):
    run = read_only.dogbreed("predict", photo, "--model", "ann/dogs")
    assert run.code == 0 and "cache" not in run.err


def test_a_read_only_cache_gives_the_old_copy_with_a_notice(read_only, hub, photo, tmp_path):
    command = ("predict", photo, "--json", "--model", "ann/dogs")
    old = read_only.dogbreed(*command)
    put(hub, "ann/dogs", tiny(tmp_path, "new", temperature=2.0))
    run = read_only.dogbreed(*command)
    assert (run.code, run.out) == (0, old.out)
    (notice,) = [line for line in run.err.splitlines() if "cache" in line]
    assert f"The cache {read_only.home}/hub cannot be written (Permission denied)" in notice
    assert notice.endswith("; using the cached copy of ann/dogs.")


def test_a_cache_that_cannot_be_written_is_named(read_only, hub, photo, tmp_path, record_property):
    put(hub, "ann/cats", tiny(tmp_path, "cats"))
    run = read_only.dogbreed("predict", photo, "--model", "ann/cats")
    record_property("failure", "load: the cache cannot be written")
    record_property("sentence", run.last)
    assert run.code == 2 and f"The cache {read_only.home}/hub cannot be written" in run.last
    assert "set HF_HOME to another folder" in run.last
    assert_one_sentence(run.last)


def test_a_full_cache_is_named_and_what_is_there_is_used(hub, bob, photo, disk, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    put(hub, "ann/large", DEFAULT_BUNDLE)
    place = {"HF_HOME": str(disk)}
    small = bob.dogbreed("predict", photo, "--model", "ann/dogs", **place)
    run = bob.dogbreed("predict", photo, "--model", "ann/large", **place)
    assert run.code == 2 and "cannot be written (No space left on device)" in run.last
    assert_one_sentence(run.last)
    again = bob.dogbreed("predict", photo, "--model", "ann/dogs", **place)
    assert (small.code, again.code, again.out) == (0, 0, small.out)
    grow(disk, 60)
    assert bob.dogbreed("predict", photo, "--model", "ann/large", **place).code == 0


def test_a_file_in_place_of_the_cache_is_named(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    file = tmp_path / "file"
    file.write_text("")
    run = bob.dogbreed("predict", photo, "--model", "ann/dogs", HF_HOME=str(file / "home"))
    assert run.code == 2 and f"The cache {file}/home/hub cannot be written" in run.last
    assert_one_sentence(run.last)
