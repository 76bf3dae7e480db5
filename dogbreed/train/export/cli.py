"""The command `dogbreed export`."""

import argparse
import os
from pathlib import Path

FORMATS = ("onnx", "openvino", "saved-model")
_OUTPUTS = {"onnx": "model.onnx", "openvino": "openvino_model", "saved-model": "saved_model"}


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dogbreed export`."""
    parser.add_argument(
        "bundle", metavar="BUNDLE", help="folder, or user/name[@revision] on the Hub"
    )
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="new file (onnx) or folder (default: model.onnx, openvino_model or saved_model)",
    )


def export_command(options: argparse.Namespace) -> int:
    """Write the network in another format, and print where it is."""
    # TensorFlow greets with a page of notices otherwise.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Imported here, since it takes seconds and reads the variable above.
    from dogbreed.train.export.formats import export_bundle

    output = options.output or Path(_OUTPUTS[options.format])
    print(export_bundle(options.bundle, options.format, output))
    return 0
