"""The commands say what is wrong with their options before anything else is done."""

import argparse
from pathlib import Path

import pytest

from dogbreed.cli import main as dogbreed
from dogbreed.errors import UsageError
from dogbreed.train.cli import (
    add_evaluate_arguments,
    add_train_arguments,
    positive,
    train_command,
)
from dogbreed.train.options import Options
from train import main


def parse(add, *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args(arguments)


def test_the_defaults_that_the_help_states_are_those_of_the_options(capsys):
    with pytest.raises(SystemExit):
        dogbreed(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    options = Options(Path("model"))
    for stated in (
        f"(default: {options.dataset})",
        f"taken from the training split (default: {options.validation_per_class})",
        f"how a photo becomes a square (default: {options.resize})",
        f"--image-size PIXELS default: {options.image_size}",
        f"(default: {options.augment_views})",
        f"as many (default: {options.epochs})",
        f"without progress (default: {options.patience})",
        f"--seed SEED default: {options.seed}",
    ):
        assert stated in text
    assert options.learning_rate == [1e-3] and "(default: 1e-3)" in text
    assert options.l2 == [3e-3, 5e-3, 1e-2] and "(default: 3e-3 5e-3 1e-2)" in text
    assert options.blocks_learning_rate == 1e-4 and options.final_fit
    assert options.recipe == "features" and options.train_from == "avg_pool"


def test_an_output_folder_is_needed(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    assert "--output" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many"])
def test_counts_are_whole_numbers_from_1(text, capsys):
    with pytest.raises(ValueError):
        positive(text)
    with pytest.raises(SystemExit) as stop:
        main(["--output", "model", "--epochs", text])
    assert stop.value.code == 2
    assert "--epochs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--recipe=article", "--l2=0"], "--l2 has no effect without --recipe features"),
        (["--recipe=article", "--augment-views=1"], "--augment-views has no effect"),
        (["--recipe=article", "--no-final-fit"], "--final-fit has no effect"),
        (["--blocks-learning-rate=1e-3"], "has no effect without --train-from mixed8"),
    ],
)
def test_options_without_effect_are_refused(options, said, tmp_path):
    arguments = parse(add_train_arguments, f"--output={tmp_path}", *options)
    with pytest.raises(UsageError, match=said):
        train_command(arguments)


@pytest.mark.parametrize("option", ["--private", "--revision=v1", "--tag=v1"])
def test_options_of_the_push_need_a_place_to_push_to(option, tmp_path):
    arguments = parse(add_train_arguments, f"--output={tmp_path}", option)
    with pytest.raises(UsageError, match="goes with --push-to"):
        train_command(arguments)


def test_what_evaluating_does_not_use_is_refused(capsys):
    for option in ("--epochs=3", "--output=model", "--push-to=ann/dogs"):
        with pytest.raises(SystemExit) as stop:
            main(["--evaluate", "model", option])
        assert stop.value.code == 2
        assert option in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--output", "model", "--report", "folder"])
    assert "--report" in capsys.readouterr().err


def test_a_bundle_can_be_evaluated_by_either_name(tmp_path, capsys):
    missing = tmp_path / "none"
    for run in (
        lambda: main([f"--evaluate={missing}", f"--dataset={tmp_path / 'photos'}"]),
        lambda: dogbreed(["evaluate", str(missing), f"--dataset={tmp_path / 'photos'}"]),
    ):
        assert run() == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "There is no model bundle" in line and str(missing) in line


def test_evaluating_reports_to_a_folder_of_its_own():
    assert parse(add_evaluate_arguments, "model").report == Path("metrics")
