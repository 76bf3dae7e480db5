"""config.json from a stranger: what is refused, and that nothing else can go wrong with it."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dogbreed import DogBreedClassifier
from dogbreed.bundle import CONFIG, read_bundle, sha256
from dogbreed.errors import BundleError
from dogbreed.wording import as_json, as_lines, trust_line
from tests.helpers.tiny_bundle import (
    LABELS,
    NAMES,
    THRESHOLDS,
    assert_one_sentence,
    make_config,
    noise,
    write_bundle,
    write_trusted,
)

METRIC = {"name": "top_1", "value": 0.9, "dataset": "user/dogs", "split": "test", "count": 12}
MUTATIONS = 400


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle to change, with thresholds and metrics."""
    return write_trusted(tmp_path / "bundle", metrics=[METRIC, METRIC | {"name": "top_3"}])


def change(path: Path, **changes) -> None:
    """Change fields of a config.json."""
    config = {**json.loads((path / CONFIG).read_text(encoding="utf-8")), **changes}
    (path / CONFIG).write_text(json.dumps(config), encoding="utf-8")


def refusal(path: Path) -> str:
    """The message for a bundle that is refused."""
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    assert_one_sentence(str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize(
    "metrics",
    [
        [{}],
        [1],
        [None],
        ["top_1"],
        [METRIC, {}],
        *([{k: v for k, v in METRIC.items() if k != field}] for field in METRIC),
        [METRIC | {"value": "0.9"}],
        [METRIC | {"value": None}],
        [METRIC | {"value": True}],
        [METRIC | {"value": float("nan")}],
        [METRIC | {"value": 1e308}],
        [METRIC | {"count": 1.5}],
        [METRIC | {"dataset": ["user/dogs"]}],
    ],
)
def test_metrics_that_cannot_be_shown_are_refused(bundle, metrics):
    change(bundle, metrics=metrics)
    refusal(bundle)


def test_metrics_are_found_by_name(bundle):
    change(bundle, metrics=[METRIC, METRIC | {"split": "validation", "value": 0.5}])
    read = read_bundle(bundle)
    assert read.metrics == {"top_1": METRIC} and read.headline == [METRIC]


@pytest.mark.parametrize(
    "name",
    [
        "..\\x",
        "metrics\\..\\..\\x",
        "C:\\x",
        "C:x",
        "\\\\server\\x",
        "x:stream",
        "",
        ".",
        "metrics//x",
        "metrics/",
        "/x",
        "./x",
        ".git/config",
        "metrics/.hidden",
        "*",
        "x\n",
        "\x00",
        "x" * 5000,
    ],
)
def test_a_file_that_may_lie_outside_on_any_system(bundle, name):
    files = json.loads((bundle / CONFIG).read_text())["files"]
    stated = {"sha256": sha256(bundle / CONFIG), "size": 3}
    change(bundle, files={**files, name: stated})
    with pytest.raises(BundleError, match="outside the bundle"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 1e300, 10**400, -(10**30)]
)
@pytest.mark.parametrize("place", ["temperature", "image_size", "training", "threshold", "deep"])
def test_a_number_that_is_not_usable_is_refused_wherever_it_stands(bundle, place, value):
    if place == "training":
        change(bundle, training={"options": [{"seed": value}]})
    elif place == "deep":
        change(bundle, anything=[[{"x": value}]])
    elif place == "threshold":
        change(bundle, thresholds=THRESHOLDS | {"is_dog": THRESHOLDS["is_dog"] | {"scale": value}})
    else:
        change(bundle, **{place: value})
    refusal(bundle)


@pytest.mark.parametrize("name", ["\ud800", "", " ", "two\nlines", "\x1b[31mred", "\x07"])
def test_a_name_that_cannot_be_shown_is_refused(tmp_path, name):
    for changes in (
        make_config((name, *LABELS[1:]), NAMES),
        make_config(LABELS, (name, *NAMES[1:])),
    ):
        with pytest.raises(BundleError) as caught:
            write_bundle(tmp_path / f"bundle{len(list(tmp_path.iterdir()))}", **changes)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes", [{"image_size": 0}, {"image_size": 10**6}, {"temperature": 1e-9}]
)
def test_what_is_possible_in_json_only_is_refused(bundle, changes):
    change(bundle, **changes)
    assert next(iter(changes)) in refusal(bundle)


def test_a_config_without_end_is_not_read(bundle):
    (bundle / CONFIG).write_text("[" + " " * 33_000_000)
    assert "32 MB" in refusal(bundle)


@pytest.mark.parametrize(
    "thresholds",
    [
        {"is_dog": 1},
        {"more": {}},
        THRESHOLDS | {"more": {}},
        {"prediction_set": {}},
        {"prediction_set": THRESHOLDS["prediction_set"] | {"coverage": 1.5}},
        {"prediction_set": THRESHOLDS["prediction_set"] | {"penalty": -0.1}},
        {"prediction_set": THRESHOLDS["prediction_set"] | {"free_ranks": -1}},
        {"is_dog": THRESHOLDS["is_dog"] | {"method": "guess"}},
        {"is_dog": {"method": "energy"}},
        {"is_dog": {"method": "energy", "threshold": 0.5, "scale": 1.0}},
    ],
)
def test_thresholds_that_cannot_be_used(bundle, thresholds):
    change(bundle, thresholds=thresholds)
    refusal(bundle)


def mutants(config: dict, rng: random.Random) -> Iterator[str]:
    """Texts like that of a config, each with a few random changes of its values or its bytes."""
    values = [
        *(None, True, -1, 0, 1, 0.5, 2**63, 10**400, 1e-320, 1e308, float("nan"), float("inf")),
        *("", "x", "\ud800", "\x00", "../x", "C:\\x", "é" * 300),
        *([], {}, [[]], [None], {"": None}, {"0": "x"}, ["x"] * 3),
    ]
    while True:
        mutant = copy.deepcopy(config)
        for _ in range(rng.randint(1, 2)):
            spoil(mutant, rng, values)
        text = json.dumps(mutant)
        if rng.random() < 0.2:
            start, length = rng.randrange(len(text)), rng.randrange(4)
            text = (
                text[:start]
                + rng.choice(["", '"', "9", "}", ",", "\\u0000"])
                + text[start + length :]
            )
        yield text


def spoil(config: dict, rng: random.Random, values: list) -> None:
    """Change, remove or add one value anywhere in a config."""
    node = config
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(node[key], dict | list) and rng.random() < 0.7:
            node = node[key]
            continue
        action = rng.random()
        if action < 0.6:
            node[key] = rng.choice(values)
        elif action < 0.8 or isinstance(node, list):
            del node[key]
        else:
            node[rng.choice(["x", "", "0", "1", "../x", "\ud800"])] = node.pop(key)
        return


def test_a_config_with_random_faults_is_refused_or_works(bundle):
    """Nothing but a BundleError, and all that is shown of an answer can be shown."""
    config = json.loads((bundle / CONFIG).read_text(encoding="utf-8"))
    rng, photo, worked = random.Random(0), noise(32, 32), 0
    for _, text in zip(range(MUTATIONS), mutants(config, rng), strict=False):
        (bundle / CONFIG).write_text(text, encoding="utf-8")
        try:
            classifier = DogBreedClassifier.from_pretrained(bundle)
        except BundleError as error:
            assert "\n" not in str(error).replace("\\n", ""), text
            continue
        worked += 1
        prediction = classifier.predict(photo)
        assert np.isfinite(prediction.probabilities).all()
        shown = [*as_lines(prediction), trust_line(prediction) or ""]
        shown.append(json.dumps(as_json(prediction, classifier.bundle), allow_nan=False))
        shown += [f"{metric['value']:.2f}" for metric in classifier.bundle.headline]
        "\n".join(shown).encode()
    assert 10 < worked < MUTATIONS - 100
