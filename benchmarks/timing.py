"""Seconds of a call and of many callers at once; processor time and memory of a process."""

import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds that a call takes, and what it returns."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def median_ms(seconds: Iterable[float]) -> float:
    """Median in milliseconds."""
    return 1000 * statistics.median(seconds)


def call_each(calls: Sequence[Callable[[], object]], seconds: float) -> list[float]:
    """Repeat each call in a thread of its own until the time is up.

    Returns:
        Seconds of every call that was made, of all threads together.
    """
    until = time.perf_counter() + seconds

    def repeat(call: Callable[[], object]) -> list[float]:
        waits = []
        while time.perf_counter() < until:
            waits.append(timed(call)[0])
        return waits

    with ThreadPoolExecutor(len(calls)) as threads:
        return [wait for waits in threads.map(repeat, calls) for wait in waits]


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, as Linux counts it."""
    # The name of the program, in parentheses, may contain spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int | str = "self") -> float:
    """Megabytes (MiB) of a process that are in RAM now, as Linux counts them."""
    return _status(pid, "VmRSS")


def peak_megabytes(pid: int | str = "self") -> float:
    """The most that `resident_megabytes` has been for a process."""
    return _status(pid, "VmHWM")


def _status(pid: int | str, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / 1024
    raise RuntimeError(f"Linux states no {field} of process {pid}.")
