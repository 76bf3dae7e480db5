"""Put a trained bundle in place of the model that comes with the package.

    python -m tools.release_model my-model

Leaves out the Keras weights and the training logs, which answering does not need, and writes the
card again. Git keeps every version forever: do this only with a model that is final.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from dogbreed.bundle import CARD, DEFAULT_BUNDLE, WEIGHTS, Bundle, copy_bundle, read_bundle
from dogbreed.errors import DogBreedError
from dogbreed.train.report.card import model_card


def release(source: Path, destination: Path = DEFAULT_BUNDLE) -> Bundle:
    """Replace one bundle by another; if that fails, the old one stays.

    Args:
        source: Folder that `dogbreed train` wrote.
        destination: Folder to replace.

    Returns:
        The bundle in its new place.

    Raises:
        BundleError: The source is not a bundle or is damaged.
    """
    bundle = read_bundle(source)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}-", dir=destination.parent) as tmp:
        new, old = Path(tmp) / "new", Path(tmp) / "old"
        released = copy_bundle(bundle, new, leave_out=[WEIGHTS, "runs"])
        (new / CARD).write_text(model_card(released), encoding="utf-8")
        if destination.exists():
            destination.rename(old)
        new.rename(destination)
    return read_bundle(destination)


def main(arguments: list[str] | None = None) -> int:
    """Release a model and print its headline metrics; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.release_model",
        description="Put a trained bundle in place of the model that comes with the package.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder from `dogbreed train`")
    options = parser.parse_args(arguments)
    try:
        bundle = release(options.bundle)
    except DogBreedError as error:
        print(f"release_model: {error}", file=sys.stderr)
        return 2
    for metric in bundle.headline:
        data = f"{metric['dataset']}/{metric['split']}, {metric['count']} photos"
        print(f"{metric['name']} {metric['value']:.4f}   {data}")
    print(f"Released to {bundle.path}; read {bundle.path / CARD} before you commit it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
