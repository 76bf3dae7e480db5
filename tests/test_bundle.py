"""The model bundle: written, read back, copied, and refused when a file is wrong."""

import json
import shutil
from pathlib import Path

import pytest

from dogbreed.bundle import (
    CARD,
    CONFIG,
    NETWORK,
    copy_bundle,
    read_bundle,
    sha256,
    write_beside,
    write_config,
)
from dogbreed.errors import BundleError
from tests.helpers import spoiled
from tests.helpers.spoiled import change_config, refusal
from tests.helpers.tiny_bundle import (
    LABELS,
    NAMES,
    assert_one_sentence,
    make_config,
    write_bundle,
)

bundle = spoiled.bundle


def test_what_is_written_is_read_back(bundle):
    read = read_bundle(bundle)
    assert read.path == bundle
    assert read.labels == LABELS
    assert read.names == NAMES
    assert read.network == bundle / NETWORK
    assert {**read.config, **make_config()} == read.config
    assert read_bundle(str(bundle)) == read


def test_the_config_states_every_file_but_itself_and_the_card(bundle):
    config = json.loads((bundle / CONFIG).read_text())
    assert config["format_version"] == 1
    assert set(config["files"]) == {NETWORK, "metrics/history.csv"}
    for name, stated in config["files"].items():
        file = bundle / name
        assert stated == {"sha256": sha256(file), "size": file.stat().st_size}


def test_sha256_is_the_known_one(tmp_path):
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert sha256(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_config_is_for_people_too(tmp_path):
    labels, names = ("n1-Löwchen", "n2-Šarplaninac"), ("Löwchen", "Šarplaninac")
    path = write_bundle(tmp_path / "bundle", **make_config(labels, names))
    assert "Šarplaninac" in (path / CONFIG).read_text(encoding="utf-8")
    assert read_bundle(path).names == names


def test_labels_are_in_the_order_of_their_numbers(tmp_path):
    labels = tuple(f"breed_{number}" for number in range(12))
    names = tuple(f"Breed {number}" for number in range(12))
    config = make_config(labels, names)
    config["id2label"] = dict(sorted(config["id2label"].items()))
    assert list(config["id2label"])[1:3] == ["1", "10"]
    read = read_bundle(write_bundle(tmp_path / "bundle", **config))
    assert (read.labels, read.names) == (labels, names)


def test_other_files_are_checked_when_asked_for(bundle):
    history = "metrics/history.csv"
    read_bundle(bundle, files=(NETWORK, history))
    (bundle / history).write_text("epoch,loss\n1,0.4\n")
    read_bundle(bundle)
    assert "damaged" in refusal(bundle, files=(NETWORK, history))
    assert "missing" in refusal(bundle, files=("model.weights.h5",))


def test_the_card_may_change(bundle):
    (bundle / CARD).write_text("# Another text\n")
    read_bundle(bundle)


def test_a_moved_bundle_is_still_valid(bundle, tmp_path):
    moved = shutil.move(bundle, tmp_path / "elsewhere")
    assert read_bundle(moved).labels == LABELS


def test_no_bundle(tmp_path):
    assert "check the path" in refusal(tmp_path / "missing")
    (tmp_path / "file").touch()
    assert "check the path" in refusal(tmp_path / "file")
    assert CONFIG in refusal(tmp_path)
    refusal(Path("a" * 5_000))
    refusal(Path("a\0b"))


def test_a_missing_network(bundle):
    (bundle / NETWORK).unlink()
    assert f"{NETWORK} is missing" in refusal(bundle)


def test_a_network_of_another_size_or_hash(bundle):
    network = bundle / NETWORK
    data = network.read_bytes()
    network.write_bytes(data + b"\0")
    assert "damaged" in refusal(bundle)
    network.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert "damaged" in refusal(bundle)
    network.write_bytes(data)
    read_bundle(bundle)


@pytest.mark.parametrize("field", ["sha256", "size"])
def test_size_and_hash_must_both_agree(bundle, field):
    files = json.loads((bundle / CONFIG).read_text())["files"]
    files[NETWORK][field] = {"sha256": "0" * 64, "size": 1}[field]
    change_config(bundle, files=files)
    assert "damaged" in refusal(bundle)
    del files[NETWORK][field]
    change_config(bundle, files=files)
    refusal(bundle)


def test_a_network_that_the_config_does_not_state(bundle):
    change_config(bundle, files={})
    refusal(bundle)
    change_config(bundle, files={NETWORK: "trust me"})
    refusal(bundle)


def test_a_copy_contains_the_same_and_states_what_it_contains(bundle, tmp_path):
    everything = copy_bundle(read_bundle(bundle), tmp_path / "copies" / "all")
    assert everything.config == read_bundle(bundle).config
    for name in (NETWORK, CARD, "metrics/history.csv"):
        assert (everything.path / name).read_bytes() == (bundle / name).read_bytes()

    (bundle / "stray.txt").touch()
    less = copy_bundle(read_bundle(bundle), tmp_path / "copies" / "less", ["metrics"])
    assert set(less.config["files"]) == {NETWORK}
    assert {file.name for file in less.path.rglob("*")} == {NETWORK, CARD, CONFIG}
    assert {path.name for path in (tmp_path / "copies").iterdir()} == {"all", "less"}


def test_hidden_files_do_not_belong_to_a_bundle(bundle, tmp_path):
    """macOS leaves them in every folder that it shows."""
    for name in (".DS_Store", "metrics/._history.csv", ".git/config"):
        (bundle / name).parent.mkdir(exist_ok=True)
        (bundle / name).write_text("hidden")
    config = {**make_config(), "temperature": 2.0}
    assert set(write_config(bundle, config).config["files"]) == {NETWORK, "metrics/history.csv"}
    copied = copy_bundle(read_bundle(bundle), tmp_path / "copy").path
    assert not [path for path in copied.rglob("*") if path.name.startswith(".")]


def test_a_copy_takes_the_place_of_nothing(bundle, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(BundleError) as caught:
        copy_bundle(read_bundle(bundle), tmp_path / "there")
    assert_one_sentence(str(caught.value))
    assert not list((tmp_path / "there").iterdir())


def test_a_copy_does_not_pass_damage_on_as_sound(bundle, tmp_path):
    read = read_bundle(bundle)
    (bundle / "metrics" / "history.csv").write_text("damaged")
    with pytest.raises(BundleError):
        copy_bundle(read, tmp_path / "copy")
    assert {path.name for path in tmp_path.iterdir()} == {"bundle"}


def test_a_copy_for_which_there_is_no_room_leaves_nothing(bundle, disk):
    (bundle / "metrics" / "history.csv").write_bytes(bytes(3_000_000))
    written = write_config(bundle, make_config())
    with pytest.raises(BundleError, match="No space left on device") as refused:
        copy_bundle(written, disk / "copy")
    assert_one_sentence(str(refused.value))
    assert list(disk.iterdir()) == []


def test_write_beside_replaces_the_file_when_it_is_complete(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with write_beside(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt])
def test_write_beside_leaves_everything_as_it_was_on_failure(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), write_beside(path) as file:
        file.write(b"half")
        raise error
    with pytest.raises(error), write_beside(tmp_path / "another") as file:
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_beside_into_no_folder(tmp_path):
    with pytest.raises(OSError), write_beside(tmp_path / "missing" / "file"):
        pass
    assert not list(tmp_path.iterdir())
