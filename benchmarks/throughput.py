"""Photos a second with 1 to 64 callers, compared with what the network alone can do.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.throughput

Callers are threads that ask again as soon as they are answered, through `predict`, and through the
page: by `POST /api/predict`, which is one request, and by its endpoint `/predict`, which is three.
`predict_batch` has one caller. `bulk` answers files, and so do processes that share nothing, each
with one core; their start is not counted. `DOGBREED_ENGINE` chooses the engine. The network alone
runs before and after each, on LiteRT and on frames that are ready: an interpreter with one thread
for each core, and one on all cores, whichever is faster. p95 is compared with callers divided by
photos a second, the shortest possible wait when all come at once. The page's callers ask by plain
HTTP, as curl would, since Gradio's own client takes more of the processor than the page. They run
on the same cores as the page, so the processor time that the page itself uses for an answer is
reported too.
"""

import itertools
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2
import numpy as np
from loky import cpu_count
from tqdm import tqdm

from benchmarks.bulk_ways import AnswerAll, by_plain_processes, through_bulk, write_copies
from benchmarks.contenders import PEERS, read_photos
from benchmarks.results import benchmark_parser, publish
from benchmarks.threads import Way
from benchmarks.timing import call_each, processor_seconds, timed
from dogbreed import DogBreedClassifier
from tests.helpers.running import running_process

CALLERS = (1, 4, 16, 64)


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "throughput.json")
    parser.add_argument("--peers", type=Path, default=PEERS)
    parser.add_argument("--seconds", type=float, default=8, help="for each line of the table")
    options = parser.parse_args()
    photos = read_photos(options.peers)
    classifier = DogBreedClassifier.from_pretrained(options.peers / "bundle")
    network, cores = classifier.bundle.network, cpu_count()
    ways = Way(network, cores, 1), Way(network, 1, cores)
    rows: list[dict] = []

    def add(name: str, callers: int, measure: Callable[[], list[float]]) -> int:
        """A row of the table from the seconds of each answer; the number of answers."""
        before = _best_rate(ways, options.seconds / 8)
        elapsed, waits = timed(measure)
        alone = (before + _best_rate(ways, options.seconds / 8)) / 2
        rate, p95 = len(waits) / elapsed, float(np.percentile(waits, 95))
        rows.append(
            {
                "through": name,
                "callers": callers,
                "photos a second": rate,
                "network alone": alone,
                "share of it": rate / alone,
                "p95, ms": 1000 * p95,
                "p95 over callers/throughput": p95 * rate / callers,
            }
        )
        return len(waits)

    for callers in tqdm(CALLERS, desc="predict"):
        asking = [asker(classifier.predict, photos, 5 * n) for n in range(callers)]
        add("predict", callers, partial(call_each, asking, options.seconds))
    add("predict_batch", 1, partial(batches, classifier, photos, options.seconds))
    with tempfile.TemporaryDirectory() as place:
        count = max(len(photos), round(options.seconds * rows[-1]["photos a second"]))
        folder = write_copies(Path(place, "photos"), photos, count)
        for name, way in MANY.items():
            with way(folder, options.peers / "bundle", cores) as answer_all:
                add(name, cores, partial(each_of, answer_all))
    used: dict[str, float] = {}
    with running_process(f"--model={(options.peers / 'bundle').resolve()}") as (address, page):
        clients = [httpx2.Client(base_url=address, timeout=60) for _ in range(max(CALLERS))]
        for (name, way), callers in tqdm(list(itertools.product(PAGE.items(), CALLERS))):
            asking = [
                asker(partial(way, client), photos, 5 * number)
                for number, client in enumerate(clients[:callers])
            ]
            before = processor_seconds(page.pid)
            count = add(name, callers, partial(call_each, asking, options.seconds))
            spent = 1000 * (processor_seconds(page.pid) - before) / count
            used[f"{name}, {callers}"] = round(spent, 1)
    publish(
        options.output,
        "Photos of 500×375, callers at once",
        rows,
        engine=classifier.engine,
        bulk_over_plain_processes=round(_rate(rows, BULK) / _rate(rows, PLAIN), 3),
        processor_ms_of_the_page_for_an_answer=used,
        photos_a_second_if_the_page_had_the_cores_to_itself={
            line: round(1000 * cores / spent, 1) for line, spent in used.items()
        },
    )


def _rate(rows: list[dict], through: str) -> float:
    return next(row["photos a second"] for row in rows if row["through"] == through)


def _best_rate(ways: tuple[Way, ...], seconds: float) -> float:
    return max(way.photos_a_second(seconds) for way in ways)


def asker(
    answer: Callable[[bytes], object], photos: list[bytes], first: int
) -> Callable[[], object]:
    """Ask about one photo after the other, from number `first` on, in a circle."""
    first %= len(photos)
    turn = itertools.cycle(photos[first:] + photos[:first])
    return lambda: answer(next(turn))


def post(client: httpx2.Client, photo: bytes) -> None:
    """Send a photo and get its answer, in one request."""
    client.post("/api/predict", files={"photo": ("dog.jpg", photo)}).raise_for_status()


def ask(client: httpx2.Client, photo: bytes) -> None:
    """Upload a photo, ask for its breed and wait for the answer."""
    upload = client.post("/gradio_api/upload", files={"files": ("dog.jpg", photo)})
    (path,) = upload.raise_for_status().json()
    question = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    asked = client.post("/gradio_api/call/predict", json=question).raise_for_status()
    answer = client.get(f"/gradio_api/call/predict/{asked.json()['event_id']}")
    if "event: complete" not in answer.raise_for_status().text:
        raise RuntimeError(f"The page answers {answer.text}")


def batches(classifier: DogBreedClassifier, photos: list[bytes], seconds: float) -> list[float]:
    """Seconds a photo, in batches one after the other."""
    waits = call_each([lambda: classifier.predict_batch(photos)], seconds)
    return [wait / len(photos) for wait in waits for _ in photos]


def each_of(answer_all: AnswerAll) -> list[float]:
    """Seconds a photo, of many that are answered as one job."""
    elapsed, count = timed(answer_all)
    return [elapsed / count] * count


# Many files on all cores, by the names in the table.
BULK, PLAIN = "`bulk`, a worker a core", "plain processes, one a core"
MANY = {PLAIN: by_plain_processes, BULK: through_bulk}
# How the page is asked, by the names in the table.
PAGE = {"POST /api/predict": post, "the page's /predict": ask}

if __name__ == "__main__":
    main()
