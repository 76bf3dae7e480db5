"""Train a classifier on labeled photos, of dog breeds or anything else; write a model bundle.

    python train.py --output my-model
    python train.py --dataset photos/ --output my-model --limit-per-class 20
    python train.py --dataset user/photos --recipe article --epochs 2 --output my-model
    python train.py --not-dogs other-photos/ --output my-model
    python train.py --dataset user/cats --subject cat --output my-model
    python train.py --dataset user/photos --output my-model --ray first-machine:6379
    python train.py --init-from user/name --dataset photos/ --output my-model
    python train.py --output my-model --push-to user/name --tag v1
    python train.py --evaluate my-model --dataset user/photos --report report

The same as `dogbreed train`; with --evaluate, the same as `dogbreed evaluate`. A run that was
killed continues where it was when the same command is given again.
"""

import argparse
import sys

from dogbreed.cli import run_script


def main(arguments: list[str] | None = None) -> int:
    """Train or evaluate; returns the exit code."""
    door = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    door.add_argument("--evaluate", metavar="BUNDLE")
    given, rest = door.parse_known_args(arguments)
    if given.evaluate is None:
        return run_script("train.py", "train", __doc__, rest)
    return run_script("train.py", "evaluate", __doc__, [given.evaluate, *rest])


if __name__ == "__main__":
    sys.exit(main())
