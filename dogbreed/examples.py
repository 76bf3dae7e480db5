"""Photos for visitors of the page to try: which files of a folder can be some."""

from pathlib import Path

from dogbreed.bundle import EXAMPLE_SUFFIXES, MOST_EXAMPLES
from dogbreed.errors import UsageError


def list_examples(folder: Path) -> list[Path]:
    """The photos in a folder that can be examples, by name.

    Raises:
        UsageError: There is no such folder, or there are none, or too many.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; name one with photos for --examples.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in EXAMPLE_SUFFIXES)
    paths = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    if not 0 < len(paths) <= MOST_EXAMPLES:
        raise UsageError(
            f"{folder} contains {len(paths)} JPEG, PNG or WebP photos; --examples takes 1 to "
            f"{MOST_EXAMPLES}."
        )
    return paths
