"""The config of a bundle: refused when it is of another format, incomplete or contradictory."""

import json

import pytest

from dogbreed.bundle import CONFIG, check_config, sha256, write_config
from dogbreed.errors import BundleError
from tests.helpers import spoiled
from tests.helpers.spoiled import change_config, refusal
from tests.helpers.tiny_bundle import (
    LABELS,
    THRESHOLDS,
    assert_one_sentence,
    make_config,
    write_bundle,
    write_trusted,
)

bundle = spoiled.bundle


@pytest.mark.parametrize("version", [2, 99])
def test_a_newer_format_says_to_upgrade(bundle, version):
    change_config(bundle, format_version=version)
    message = refusal(bundle)
    assert str(version) in message and "upgrade" in message


@pytest.mark.parametrize("version", [None, "1", 0, 1.5, True])
def test_an_unknown_format(bundle, version):
    change_config(bundle, format_version=version)
    refusal(bundle)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "1",
        "\ufeff{}",
        pytest.param("[" * 100_000, id="nested"),
        pytest.param('{"format_version": ' + "1" * 10_000 + "}", id="long number"),
    ],
)
def test_a_config_that_is_not_json_of_the_right_kind(bundle, text):
    (bundle / CONFIG).write_text(text, encoding="utf-8")
    refusal(bundle)


def test_a_config_that_is_not_text(bundle):
    (bundle / CONFIG).write_bytes(b"\xff\xfe\x00{")
    refusal(bundle)
    (bundle / CONFIG).unlink()
    (bundle / CONFIG).mkdir()
    refusal(bundle)


@pytest.mark.parametrize("field", [*make_config(), "files"])
def test_a_missing_field_is_named(bundle, field):
    change_config(bundle, **{field: None})
    assert field in refusal(bundle)


@pytest.mark.parametrize("field", [*make_config(), "files"])
def test_a_field_of_the_wrong_kind_is_named(bundle, field):
    for value in (True, ["text"] if field != "metrics" else "text"):
        change_config(bundle, **{field: value})
        assert field in refusal(bundle)


@pytest.mark.parametrize(
    "changes",
    [
        {"label2id": {LABELS[0]: 1, LABELS[1]: 0, LABELS[2]: 2}},
        {"label2id": {LABELS[0]: 0, LABELS[1]: 1}},
        {"label2id": {}},
        {"id2label": {"0": LABELS[0], "1": LABELS[1], "3": LABELS[2]}},
        {"id2label": {"0": LABELS[0], "1": LABELS[1]}},
        {"id2label": {"0": LABELS[0], "1": LABELS[1], "2": [LABELS[2]]}},
        {"id2label": {"0": LABELS[0]}, "label2id": {LABELS[0]: 0}},
        {"id2label": {}, "label2id": {}},
        {"names": {LABELS[0]: "Red disc"}},
        {"names": dict.fromkeys(LABELS, 3)},
        {"temperature": 0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"preprocessing": {"scale": "inception"}},
        {"preprocessing": {"scale": "inception", "resize": "stretch"}},
        {"preprocessing": {"scale": "caffe", "resize": "squash"}},
    ],
)
def test_a_config_that_contradicts_itself(bundle, changes):
    change_config(bundle, **changes)
    refusal(bundle)


def test_two_classes_cannot_share_a_label_or_a_name(bundle):
    twice = {"0": LABELS[0], "1": LABELS[1], "2": LABELS[1]}
    change_config(bundle, id2label=twice, label2id={LABELS[0]: 0, LABELS[1]: 2})
    refusal(bundle)
    change_config(bundle, **{**make_config(), "names": dict.fromkeys(LABELS, "Dog")})
    refusal(bundle)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "metrics/../../x", ".."])
def test_a_file_outside_of_the_bundle(bundle, name):
    (bundle.parent / "x").write_bytes(b"abc")
    files = json.loads((bundle / CONFIG).read_text())["files"]
    stated = {"sha256": sha256(bundle.parent / "x"), "size": 3}
    change_config(bundle, files={**files, name: stated})
    assert "outside" in refusal(bundle)
    assert "outside" in refusal(bundle, files=(name,))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("is_dog", None),
        ("is_dog", {"method": "guess"}),
        ("is_dog", {"scale": float("nan")}),
        ("is_dog", {"threshold": "0.5"}),
        ("prediction_set", None),
        ("is_dog", {"scale": None}),
        ("prediction_set", {"free_ranks": 1.5}),
        ("prediction_set", {"coverage": True}),
        ("prediction_set", {"more": 1}),
    ],
)
def test_thresholds_that_cannot_be_used(tmp_path, name, changes):
    thresholds = {**THRESHOLDS, name: changes and THRESHOLDS[name] | changes}
    with pytest.raises(BundleError) as error:
        write_trusted(tmp_path / "bundle", thresholds=thresholds)
    assert_one_sentence(str(error.value))


def test_a_detector_needs_its_numbers(tmp_path):
    with pytest.raises(BundleError, match=r"lacks the rejection.npz"):
        write_bundle(tmp_path / "bundle", thresholds=THRESHOLDS)


@pytest.mark.parametrize("changes", [{"temperature": 0}, {"label2id": {}}, {"training": None}])
def test_a_config_that_could_not_be_read_is_not_written(bundle, changes):
    before = (bundle / CONFIG).read_bytes()
    with pytest.raises(BundleError):
        write_config(bundle, {**make_config(), **changes})
    assert (bundle / CONFIG).read_bytes() == before


def test_check_config_takes_what_json_gives():
    check_config({"format_version": 1, **make_config(), "files": {}}, "here")
    for value in (None, [], "text", 3):
        with pytest.raises(BundleError) as caught:
            check_config(value, "here")
        assert_one_sentence(str(caught.value))
