"""Run the project's commands as processes that use the local Hub."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.permissions import obey_permissions
from tests.helpers.running import ROOT
from tests.hub import LocalHub


@dataclass(frozen=True)
class Run:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line on stderr: the message for people."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


@dataclass(frozen=True)
class Shell:
    """A user with a computer of their own: a token, and a cache that is empty at first.

    Attributes:
        hub: The user's Hub.
        home: Folder of the cache.
        token: The user's token for it.
        obeys_permissions: Permissions of files apply even if the tests run as root.
    """

    hub: LocalHub
    home: Path
    token: str | None = None
    obeys_permissions: bool = False

    def dogbreed(self, *arguments: object, **environ: str) -> Run:
        """Run `python -m dogbreed`."""
        return self._run(["-m", "dogbreed", *arguments], environ)

    def script(self, name: str, *arguments: object, **environ: str) -> Run:
        """Run `app.py` or `train.py`."""
        return self._run([name, *arguments], environ)

    def python(self, code: str, *arguments: object, **environ: str) -> Run:
        """Run some lines of Python."""
        return self._run(["-c", code, *arguments], environ)

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of the commands."""
        return self.hub.environ(self.token, self.home) | {"DOGBREED_MODEL": ""} | more

    def _run(self, command: list[object], environ: dict[str, str]) -> Run:
        done = subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=ROOT,
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=300,
            preexec_fn=obey_permissions if self.obeys_permissions else None,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Run(done.returncode, done.stdout, done.stderr)
