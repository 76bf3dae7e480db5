"""The command `dogbreed bulk`."""

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dogbreed.arguments import add_engine_argument, add_model_argument, check_at_least_one
from dogbreed.errors import UsageError
from dogbreed.subject import terms

if TYPE_CHECKING:
    from dogbreed.bulk.output import Summary

_NEEDED = ("ray", "pyarrow", "fsspec", "filelock")
_MOST_KINDS = 10


def add_bulk_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dogbreed bulk`."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder, glob pattern in quotes, Parquet or WebDataset file, id of a dataset on the "
        "Hub, or an address such as s3://bucket/photos",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the answers, in Parquet; the same command continues an unfinished one",
    )
    add_model_argument(parser)
    add_engine_argument(parser, "on each machine the fastest that is installed there")
    parser.add_argument(
        "--top-k", type=int, default=3, metavar="N", help="labels per photo (default: 3)"
    )
    parser.add_argument(
        "--image-column",
        metavar="NAME",
        help="of Parquet files, if the data types leave it open",
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="Ray cluster to join (default: this machine alone)"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="cores to use (default: all there are)"
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        metavar="N",
        help="photos that a worker answers at a time, into one file (default: 64 to 4,096, by "
        "their number)",
    )


def bulk_command(options: argparse.Namespace) -> int:
    """Answer all photos and print a summary."""
    check_at_least_one(options, "top_k", "workers", "batch_size")
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"This needs {' and '.join(missing)}; run `pip install -r requirements-bulk.txt`."
        )
    # Imported here, once it is known that they can be.
    from dogbreed.bulk.job import BulkOptions, run

    names = BulkOptions.__dataclass_fields__
    summary = run(BulkOptions(**{name: getattr(options, name) for name in names}))
    print(summary_text(summary))
    print(f"\nThe answers are in {options.output}.")
    return 0


def summary_text(summary: "Summary") -> str:
    """The numbers of photos, and the most frequent classes and errors."""
    words, answered = terms(summary.subject), summary.breeds.total()
    lines = [
        f"{summary.photos:,} photos: {answered:,} {words.members} of {len(summary.breeds):,} "
        f"{words.kinds}, {summary.rejected:,} that do not look like {words.shown}, "
        f"{summary.errors.total():,} errors."
    ]
    for title, counted in ((words.kind, summary.breeds), ("error", summary.errors)):
        if counted:
            lines += ["", f"{'photos':>12}  {title}"]
        lines += [f"{number:12,}  {name}" for name, number in counted.most_common(_MOST_KINDS)]
        if len(counted) > _MOST_KINDS:
            lines.append(f"{'':12}  and {len(counted) - _MOST_KINDS:,} more")
    return "\n".join(lines)
