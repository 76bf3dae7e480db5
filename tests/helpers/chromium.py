"""Where Chromium is on this computer."""

import shutil
from pathlib import Path

_COMMANDS = ("chromium", "chromium-browser", "google-chrome")
_MACOS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> str | None:
    """Path of Chromium or Chrome, None if there is neither."""
    found = [path for command in _COMMANDS if (path := shutil.which(command))]
    found += [path for path in _MACOS if Path(path).is_file()]
    return next(iter(found), None)
