"""Options that several commands have in common."""

import argparse

from dogbreed.engines import CHOICES
from dogbreed.errors import UsageError


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--model`."""
    parser.add_argument(
        "--model",
        metavar="BUNDLE",
        help="folder, or user/name[@revision] on the Hub (default: $DOGBREED_MODEL, else the model "
        "that comes with the package)",
    )


def add_engine_argument(parser: argparse.ArgumentParser, auto: str) -> None:
    """Add `--engine`.

    Args:
        parser: Of the command.
        auto: What the command does by `auto`.
    """
    parser.add_argument(
        "--engine",
        choices=CHOICES,
        help=f"what runs the network; auto: {auto} (default: $DOGBREED_ENGINE, else auto)",
    )


def check_at_least_one(options: argparse.Namespace, *names: str) -> None:
    """Refuse numbers below 1.

    Args:
        options: What was given; None counts as not given.
        names: Of the options, such as `top_k`.

    Raises:
        UsageError: One of them is below 1.
    """
    for name in names:
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1, not {value}.")
