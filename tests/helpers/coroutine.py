"""Coroutines in tests that are functions."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def run(coroutine: Coroutine[object, object, Result]) -> Result:
    """Run a coroutine in a thread of its own and return its result.

    `asyncio.run` in the thread of the tests fails once a browser test has run in it: Playwright
    leaves its event loop running there.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
