"""The network under many threads: how much runs at once, in which order, with which answers."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from loky import cpu_count

from dogbreed import DogBreedClassifier
from dogbreed.bundle import DEFAULT_BUNDLE, read_bundle
from dogbreed.errors import BundleError, InvalidImageError
from dogbreed.runtime import Network
from tests.helpers.tiny_bundle import (
    SIZE,
    assert_one_sentence,
    build_network,
    noise,
    write_bundle,
)

PHOTO = "tests/helpers/drawings/pointed.png"


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Network:
    """The network of a small bundle."""
    return Network(read_bundle(write_bundle(tmp_path_factory.mktemp("litert") / "bundle")))


def test_as_many_photos_at_once_as_there_are_cores(network):
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(cpu_count())

    def frame() -> np.ndarray:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        # Passed only when so many are here at the same time.
        together.wait(timeout=30)
        with lock:
            now -= 1
        return noise(SIZE, SIZE)

    # Half of the callers wait for each answer, the others hand photos over.
    count = 2 * cpu_count()
    with ThreadPoolExecutor(count) as callers:
        waiting = [callers.submit(network.answer, frame) for _ in range(count)]
        waiting += [network.submit(frame) for _ in range(count)]
        for future in waiting:
            evidence, _ = future.result(timeout=60)
            assert evidence.ndim == 3
    assert most == cpu_count()


def test_a_photo_that_comes_alone_stays_on_the_thread_that_asks(network):
    threads: list[threading.Thread] = []
    begun, go_on = threading.Event(), threading.Event()

    def frame() -> np.ndarray:
        threads.append(threading.current_thread())
        go_on.set()
        return noise(SIZE, SIZE)

    def slow_frame() -> np.ndarray:
        begun.set()
        go_on.wait(timeout=30)
        return noise(SIZE, SIZE)

    network.answer(frame)
    assert threads == [threading.current_thread()]
    go_on.clear()
    beside = network.submit(slow_frame)
    assert begun.wait(timeout=30)
    # On one core it waits until the other is answered.
    if cpu_count() == 1:
        go_on.set()
    network.answer(frame)
    beside.result(timeout=60)
    if cpu_count() > 1:
        assert threads[1] is not threading.current_thread()


def test_photos_are_taken_in_the_order_that_they_came(network):
    begun = []

    def frame(number: int) -> np.ndarray:
        begun.append(number)
        return noise(SIZE, SIZE, number)

    futures = [network.submit(lambda number=number: frame(number)) for number in range(50)]
    for future in futures:
        future.result(timeout=60)
    # Those on different cores may overtake each other by one turn.
    assert all(abs(place - number) < cpu_count() for place, number in enumerate(begun))


def test_a_photo_alone_and_one_of_many_are_answered_alike():
    classifier = DogBreedClassifier.from_pretrained(DEFAULT_BUNDLE)
    photos = [noise(320, 240, seed) for seed in range(6)]
    alone = [classifier.evidence_map(photo) for photo in photos]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(classifier.evidence_map, photos))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)


def test_a_batch_stops_at_a_bad_photo_without_reading_all(tmp_path):
    classifier = DogBreedClassifier.from_pretrained(write_bundle(tmp_path / "bundle"))
    read = []

    def photos():
        for number in range(1000):
            read.append(number)
            yield b"no photo" if number == 3 else noise(SIZE, SIZE, number)

    with pytest.raises(InvalidImageError):
        classifier.predict_batch(photos())
    assert len(read) <= 4 + 2 * cpu_count()


def from_the_hub(path: Path, network: bytes) -> DogBreedClassifier:
    """Load a bundle as if it had been downloaded."""
    write_bundle(path, network)
    return DogBreedClassifier(read_bundle(path, address="ann/dogs", commit="0" * 40))


LOAD = """
import sys
from ai_edge_litert.interpreter import Interpreter
Interpreter(sys.argv[1]).allocate_tensors()
"""


def test_a_network_from_the_hub_that_crashes_the_runtime_is_refused(tmp_path):
    """In this process it would end the tests."""
    assert from_the_hub(tmp_path / "sound", build_network()).predict(noise(SIZE, SIZE)).labels
    network = bytearray(build_network())
    # In the table of the model; LiteRT follows it without looking.
    network[18] = 0
    with pytest.raises(BundleError, match="ann/dogs cannot be run") as caught:
        from_the_hub(tmp_path / "crash", bytes(network))
    assert_one_sentence(str(caught.value))
    command = [sys.executable, "-c", LOAD, str(tmp_path / "crash" / "model.tflite")]
    assert subprocess.run(command, capture_output=True).returncode < 0, "nothing to protect from"


def test_a_network_from_the_hub_that_takes_too_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dogbreed.engines.trial._SECONDS", 0.01)
    with pytest.raises(BundleError, match="takes too long"):
        from_the_hub(tmp_path / "slow", build_network())


def test_where_no_process_can_be_started_a_network_is_loaded_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert from_the_hub(tmp_path / "bundle", build_network()).predict(noise(SIZE, SIZE)).labels


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines a process to some cores")
def test_only_the_cores_that_the_process_has_are_used(tmp_path):
    bundle = write_bundle(tmp_path / "bundle")
    program = (
        "import os, sys, threading\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from dogbreed import DogBreedClassifier\n"
        "classifier = DogBreedClassifier.from_pretrained(sys.argv[1])\n"
        "classifier.predict_batch([sys.argv[2]] * 20)\n"
        "print(sum(thread.name.startswith('dogbreed') for thread in threading.enumerate()))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(bundle), PHOTO], capture_output=True, text=True
    )
    assert told.stdout == "1\n", told.stderr


FORK = """
import multiprocessing, os, signal, sys, threading
from dogbreed import DogBreedClassifier

def answer(photo):
    # A child that waits for threads it does not have is ended.
    signal.alarm(60)
    alone, *batch = classifier.predict(photo), *classifier.predict_batch([photo] * 4)
    return [prediction.probabilities for prediction in (alone, *batch)]

classifier = DogBreedClassifier.from_pretrained(sys.argv[1])
photo = sys.argv[2]
expected = answer(photo)
assert len(set(expected)) == 1
{busy}
if {pool}:
    with multiprocessing.get_context("fork").Pool(2) as children:
        assert children.map(answer, [photo] * 2) == [expected] * 2
elif child := os.fork():
    assert os.waitpid(child, 0)[1] == 0, "the child has failed"
else:
    # Ends as a program ends, with everything freed.
    sys.exit(answer(photo) != expected)
assert answer(photo) == expected
print("answered")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(("pool", "busy"), [(True, True), (False, False)])
def test_the_child_of_a_fork_answers_too(pool, busy):
    """Also if the parent is answering at that moment."""
    work = "threading.Thread(target=lambda: classifier.predict_batch([photo] * 20)).start()"
    program = FORK.format(pool=pool, busy=work if busy else "")
    run = subprocess.run(
        [sys.executable, "-c", program, str(DEFAULT_BUNDLE), PHOTO],
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert run.stdout == "answered\n", run.stderr
