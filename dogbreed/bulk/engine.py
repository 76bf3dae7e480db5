"""Ray: where work is done, and what happens when a worker dies.

Each piece of work is a task that needs one core. Ray starts a process for each core, keeps it for
the next task, and repeats a task whose process or machine is lost. Tasks are handed over as others
finish, so that memory does not grow with their number.
"""

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from typing import Any, TypeVar

# Both before it is imported. It reports who uses it otherwise.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Ray would run workers at a low priority, where everything else on the machine comes first.
os.environ.setdefault("RAY_worker_niceness", "0")

import ray
from loky import cpu_count
from ray.exceptions import RayError, RayTaskError

from dogbreed.bulk.sources import reason
from dogbreed.errors import DogBreedError, UsageError

T = TypeVar("T")

# The address of this machine alone.
LOCAL = "local"

# A task that has lost its worker this often is the reason for it.
_RETRIES = 3
# What a worker is given and what it returns, which leave the store as soon as they are used.
_STORE_BYTES, _STORE_BYTES_EACH = 256 << 20, 64 << 20
_CONNECT_SECONDS = 10
# How Ray says that a worker has not the module of a function.
_NOT_FOUND = "failed to import on the worker"


@contextmanager
def workers(address: str | None, count: int | None) -> Iterator[int]:
    """Join a cluster, or start Ray on this machine, for the time of the block.

    Args:
        address: As `ray.init` takes it; None or `local` for this machine.
        count: Workers at most; None for one on each core.

    Yields:
        How many tasks may run at once.

    Raises:
        UsageError: There is no such cluster, or it cannot be joined.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address in (None, LOCAL):
            cores = count or cpu_count()
            ray.init(
                LOCAL,
                num_cpus=cores,
                include_dashboard=False,
                object_store_memory=_STORE_BYTES + cores * _STORE_BYTES_EACH,
                **quiet,
            )
        else:
            _reach(address)
            ray.init(address, **quiet)
    # It raises errors of many kinds.
    except Exception as error:
        where = f"The cluster at {address} cannot be joined" if address else "Ray does not start"
        raise UsageError(f"{where} ({reason(error)}); check it with `ray status`.") from error
    try:
        # Ray prints there when a worker has died.
        with redirect_stdout(sys.stderr):
            yield count or max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Raise an error at once if nothing listens; Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].partition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()


def share(value: object) -> ray.ObjectRef:
    """Store what many tasks take, so that each machine gets it once; give them the result."""
    return ray.put(value)


def run_tasks(
    function: Callable[..., T], tasks: Iterable[tuple[str, tuple]], at_once: int
) -> Iterator[tuple[str, T]]:
    """Run a function on the workers, once for each task.

    Args:
        function: Of a module that the workers can import.
        tasks: For each a name, and the arguments.
        at_once: How many tasks are handed over before one has ended.

    Yields:
        The name and the result of each, as they end.

    Raises:
        DogBreedError: The function has raised it, or a task ends its workers again and again.
    """
    remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(function)
    waiting, running = iter(tasks), dict[ray.ObjectRef, str]()
    while True:
        for name, arguments in islice(waiting, at_once - len(running)):
            running[remote.remote(*arguments)] = name
        if not running:
            return
        (done,), _ = ray.wait(list(running), num_returns=1)
        name = running.pop(done)
        try:
            result = ray.get(done)
        except RayTaskError as error:
            raise _explained(error) from error
        except RayError as error:
            raise UsageError(
                f"Task {name} has ended {_RETRIES + 1} workers ({type(error).__name__}), "
                "perhaps for want of memory; give the same command again with fewer workers "
                "(--workers, or `ray start --num-cpus`)."
            ) from error
        del done
        yield name, result


def _explained(error: RayTaskError) -> Exception:
    """What a task has raised, as it was raised."""
    cause = error.cause
    if isinstance(cause, ImportError) or _NOT_FOUND in str(cause):
        return UsageError(
            "A machine of the cluster cannot import the package; install the same version of "
            "dogbreed on all of them."
        )
    return cause if isinstance(cause, DogBreedError) else error
