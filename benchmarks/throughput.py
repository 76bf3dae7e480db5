"""Photos a second with 1 to 64 callers, beside what the network alone can do.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.throughput

Callers are threads that ask again as soon as they are answered, through `predict` and through the
page's /predict; `predict_batch` has one caller. The network alone runs before and after each, on
one frame that is ready: an interpreter of one thread for each core, and one on all cores, whichever
is faster. p95 is compared with callers divided by photos a second, the wait that nobody undercuts
when all come at once. The page's callers ask by plain HTTP, as curl would, since Gradio's own
client takes more of the processor than the page; they still run on the same cores, so what the page
itself uses for an answer is told too.
"""

import argparse
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2
import numpy as np
import psutil
from loky import cpu_count
from tqdm import tqdm

from benchmarks.contenders import PEERS
from benchmarks.results import publish
from benchmarks.threads import Way
from dogbreed import DogBreedClassifier
from tests.helpers.running import running_process

CALLERS = (1, 4, 16, 64)


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, default=PEERS)
    parser.add_argument("--seconds", type=float, default=8, help="for each line of the table")
    parser.add_argument("--output", type=Path, default=Path("throughput.json"))
    options = parser.parse_args()
    photos = [path.read_bytes() for path in sorted((options.peers / "photos").glob("*.jpg"))]
    classifier = DogBreedClassifier.from_pretrained(options.peers / "bundle")
    network, cores = classifier.bundle.network, cpu_count()
    ways = Way(network, cores, 1), Way(network, 1, cores)

    def alone() -> float:
        return max(way.photos_a_second(options.seconds / 8) for way in ways)

    rows, used = [], {}

    def add(name: str, callers: int, measure: Callable[[], list[float]]) -> int:
        before = alone()
        started = time.perf_counter()
        waits = measure()
        rate = len(waits) / (time.perf_counter() - started)
        limit = np.mean([before, alone()])
        p95 = float(np.percentile(waits, 95))
        rows.append(
            {
                "through": name,
                "callers": callers,
                "photos a second": rate,
                "network alone": limit,
                "share of it": rate / limit,
                "p95, ms": 1000 * p95,
                "p95 over callers/throughput": p95 * rate / callers,
            }
        )
        return len(waits)

    for callers in tqdm(CALLERS, desc="predict"):
        answers = [classifier.predict] * callers
        add("predict", callers, lambda some=answers: call_each(some, photos, options.seconds))
    add("predict_batch", 1, lambda: batches(classifier, photos, options.seconds))
    with running_process(f"--model={options.peers / 'bundle'}") as (address, process):
        page = psutil.Process(process.pid)
        clients = [httpx2.Client(base_url=address, timeout=60) for _ in range(max(CALLERS))]
        for callers in tqdm(CALLERS, desc="/predict"):
            before = sum(page.cpu_times()[:2])
            answers = [partial(ask, client) for client in clients[:callers]]
            count = add(
                "the page",
                callers,
                lambda some=answers: call_each(some, photos, options.seconds),
            )
            used[callers] = round(1000 * (sum(page.cpu_times()[:2]) - before) / count, 1)
    publish(
        options.output,
        "Photos of 500×375, callers at once",
        rows,
        processor_ms_of_the_page_for_an_answer_by_callers=used,
        photos_a_second_if_the_page_had_the_cores_to_itself={
            callers: round(1000 * cores / spent, 1) for callers, spent in used.items()
        },
    )


def ask(client: httpx2.Client, photo: bytes) -> None:
    """Upload a photo, ask for its breed and wait for the answer."""
    upload = client.post("/gradio_api/upload", files={"files": ("dog.jpg", photo)})
    (path,) = upload.raise_for_status().json()
    question = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    asked = client.post("/gradio_api/call/predict", json=question).raise_for_status()
    answer = client.get(f"/gradio_api/call/predict/{asked.json()['event_id']}")
    if "event: complete" not in answer.raise_for_status().text:
        raise RuntimeError(f"the page answers {answer.text}")


def call_each(answers: list[Callable], photos: list[bytes], seconds: float) -> list[float]:
    """Seconds of each answer, with a caller for each of `answers`, who goes on for so long."""
    waits: list[float] = []
    until = time.perf_counter() + seconds

    def caller(answer: Callable, number: int) -> None:
        while (started := time.perf_counter()) < until:
            answer(photos[number % len(photos)])
            waits.append(time.perf_counter() - started)
            number += 1

    threads = [
        threading.Thread(target=caller, args=(answer, 5 * n)) for n, answer in enumerate(answers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def batches(classifier: DogBreedClassifier, photos: list[bytes], seconds: float) -> list[float]:
    """Seconds a photo, of batches one after the other."""
    waits: list[float] = []
    until = time.perf_counter() + seconds
    while (started := time.perf_counter()) < until:
        classifier.predict_batch(photos)
        waits += [(time.perf_counter() - started) / len(photos)] * len(photos)
    return waits


if __name__ == "__main__":
    main()
