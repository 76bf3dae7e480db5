"""Run the project's own commands in a process of their own, with the local Hub as their Hub."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.running import ROOT
from tests.hub.server import LocalHub


@dataclass(frozen=True)
class Told:
    """What a command has printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line for people."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


@dataclass(frozen=True)
class Shell:
    """A person at a computer of their own: a token, and a cache that is empty at first."""

    hub: LocalHub
    home: Path
    token: str | None = None

    def dogbreed(self, *arguments: object, **environ: str) -> Told:
        """Run `python -m dogbreed`."""
        return self._run(["-m", "dogbreed", *arguments], environ)

    def script(self, name: str, *arguments: object, **environ: str) -> Told:
        """Run `app.py` or `train.py`."""
        return self._run([name, *arguments], environ)

    def python(self, code: str, *arguments: object, **environ: str) -> Told:
        """Run some lines of Python."""
        return self._run(["-c", code, *arguments], environ)

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of the commands."""
        return self.hub.environ(self.token, self.home) | {"DOGBREED_MODEL": ""} | more

    def _run(self, command: list, environ: dict[str, str]) -> Told:
        run = subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=ROOT,
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert "Traceback" not in run.stderr, run.stderr
        return Told(run.returncode, run.stdout, run.stderr)
