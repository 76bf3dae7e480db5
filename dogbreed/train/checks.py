"""What can be refused before anything long begins."""

from pathlib import Path

from dogbreed.bundle import CONFIG
from dogbreed.errors import UsageError
from dogbreed.train.options import Options


def check_options(options: Options) -> None:
    """Refuse options that do not go together, and an output folder that cannot be used.

    Raises:
        UsageError: It says which, and what to do.
    """
    if options.recipe == "article" and options.train_from != "avg_pool":
        raise UsageError("--recipe article trains only the head; leave --train-from out.")
    check_output(options.output)


def check_output(output: Path) -> None:
    """Refuse an output folder that contains something other than a bundle.

    Raises:
        UsageError: It does.
    """
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output} is a file; name a folder.")
    if output.is_dir() and any(output.iterdir()) and not (output / CONFIG).exists():
        raise UsageError(f"--output {output} contains other files; name a new or empty folder.")


def read_notes(path: Path | None) -> str:
    """Read the text that the card includes.

    Raises:
        UsageError: The file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--notes {path} cannot be read ({error}); name a text file.") from None
