"""The command `dogbreed export-web`."""

import argparse
from pathlib import Path

from dogbreed import hub
from dogbreed.web.export import export_web


def add_export_web_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dogbreed export-web`."""
    parser.add_argument(
        "bundle", metavar="BUNDLE", help="folder, or user/name[@revision] on the Hub"
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="new, empty, or of an earlier run")


def export_web_command(options: argparse.Namespace) -> int:
    """Write the page with a model into a folder, and print where it is."""
    export_web(hub.load_bundle(options.bundle), options.folder)
    print(options.folder)
    return 0
