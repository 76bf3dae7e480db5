"""Photos answered in a process of their own, which says what each took and may crash.

python -m tests.helpers.examine BUNDLE    answers each path that is written to its standard input
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.running import ROOT

# A process that takes longer for one photo has hung.
_PATIENCE = 120


@dataclass(frozen=True)
class Outcome:
    """What became of one photo.

    Attributes:
        fault: What must not happen: a crash, or an error outside the family; else empty.
        refusal: The sentence for a photo that was refused, else empty.
        notes: What was said about a photo that was answered.
        seconds: Time that answering or loading it took, whichever was longer; the processor's time
            where that is less, since other processes may have had their turn.
        megabytes: The most memory that the whole process had meanwhile.
    """

    fault: str
    refusal: str
    notes: list[str]
    seconds: float
    megabytes: float


class Examiner:
    """Answers photos with a small bundle in another process; use it as a context manager."""

    def __init__(self, bundle: Path):
        self._bundle = bundle
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Examiner":
        self._file = tempfile.NamedTemporaryFile()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._process:
            self._process.communicate()

    def examine(self, data: bytes) -> Outcome:
        """Answer one photo."""
        Path(self._file.name).write_bytes(data)
        if self._process is None:
            command = [sys.executable, "-m", "tests.helpers.examine", self._bundle]
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        process = self._process
        process.stdin.write(f"{self._file.name}\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if line:
            return Outcome(**json.loads(line))
        self._process = None
        return Outcome(f"the process ended with {process.wait()}", "", [], 0, 0)


def main() -> None:
    """Answer photos until the standard input ends."""
    from dogbreed import DogBreedClassifier

    classifier = DogBreedClassifier.from_pretrained(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(_answer(classifier, Path(line.rstrip("\n")).read_bytes())), flush=True)


def _answer(classifier, data: bytes) -> dict:
    import faulthandler

    from dogbreed.errors import InvalidImageError
    from dogbreed.images import load_image

    faulthandler.dump_traceback_later(_PATIENCE, exit=True)
    fault, refusal, notes = "", "", []
    _forget_peak()
    seconds = []
    try:
        with _timed(seconds):
            prediction = classifier.predict(data)
        notes = [prediction.note] if prediction.note else []
        # What the page shows the evidence on.
        with _timed(seconds):
            load_image(data, at_least=900)
    except InvalidImageError as error:
        refusal = str(error)
    except BaseException as error:
        fault = f"{type(error).__name__}: {error}"
    faulthandler.cancel_dump_traceback_later()
    return {
        "fault": fault,
        "refusal": refusal,
        "notes": notes,
        "seconds": max(seconds),
        "megabytes": _peak(),
    }


@contextmanager
def _timed(seconds: list[float]) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        seconds.append(min(time.perf_counter() - wall, time.process_time() - processor))


def _forget_peak() -> None:
    """Let Linux measure the peak from here; other systems only know that of the whole life."""
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1_024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
