"""A bulk job of many photos that is killed three times: what is in the result, and its memory.

    python -m benchmarks.bulk photos/ --count 100000
    python -m benchmarks.bulk photos/ --count 100000 --as folder

The photos of a folder are repeated, in a Parquet file or as links in a folder. The process that was
started is killed after a quarter, a worker after half, and all processes of the job after three
quarters, each with SIGKILL; the same command is then given again. Each row must be there once.
Memory is that of the process that was started, and of the largest worker.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import resident_megabytes
from dogbreed.photo_files import names_a_photo

KILLS = {0.25: "driver", 0.5: "worker", 0.75: "everything"}
STATED = (0.1, 1.0)
ROWS_IN_GROUP = 100
Peaks = dict[str, float]


def main() -> None:
    """Run the job to its end, print a table and write JSON; fails if a row is not there once."""
    parser = benchmark_parser(__doc__, "bulk.json")
    parser.add_argument("photos", type=Path, help="folder of some hundred photos")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--as", dest="kind", choices=("parquet", "folder"), default="parquet")
    parser.add_argument("--model", help="default: the included one")
    options = parser.parse_args()
    files = sorted(p for p in options.photos.rglob("*") if names_a_photo(p.name))
    with tempfile.TemporaryDirectory() as place:
        write = write_parquet if options.kind == "parquet" else write_links
        source, output = write(Path(place), files, options.count), Path(place, "answers")
        command = [sys.executable, "-m", "dogbreed", "bulk", str(source), f"--output={output}"]
        started = time.perf_counter()
        rows = run(
            command + ([f"--model={options.model}"] if options.model else []), output, options.count
        )
        elapsed = time.perf_counter() - started
        answers = ds.dataset(output, format="parquet")
        names = answers.to_table(["path"])["path"]
        found, different = len(names), len(names.unique())
        publish(
            options.output,
            f"{options.count:,} photos as {options.kind}, killed {len(KILLS)} times",
            rows,
            rows_in_the_answers=found,
            different_rows=different,
            errors=found - answers.to_table(["error"])["error"].null_count,
            seconds_with_all_starts=round(elapsed),
        )
    if not found == different == options.count:
        raise SystemExit("A photo is missing, or is there twice.")


def write_parquet(place: Path, files: list[Path], count: int) -> Path:
    """Repeat photos in a Parquet file."""
    photos = [file.read_bytes() for file in files]
    path = place / "photos.parquet"
    with pq.ParquetWriter(
        path, pa.schema([("image", pa.binary())]), use_dictionary=False
    ) as writer:
        for first in range(0, count, ROWS_IN_GROUP):
            rows = [
                photos[n % len(photos)] for n in range(first, min(first + ROWS_IN_GROUP, count))
            ]
            writer.write_table(pa.table({"image": pa.array(rows, pa.binary())}))
    return path


def write_links(place: Path, files: list[Path], count: int) -> Path:
    """Repeat photos as links, a thousand in a folder."""
    for number in range(count):
        file = files[number % len(files)].resolve()
        link = place / "photos" / f"{number // 1000:04d}" / f"{number:08d}{file.suffix}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    return place / "photos"


def run(command: list[str], output: Path, count: int) -> list[dict]:
    """Give the command until it succeeds; kill what `KILLS` says; return rows of the table."""
    kills, stated, rows, peaks = dict(KILLS), list(STATED), list[dict](), Peaks()
    while True:
        driver = subprocess.Popen(command, stdout=sys.stderr)
        while driver.poll() is None:
            time.sleep(0.5)
            done = answered(output) / count
            peaks |= sample(driver.pid)
            if stated and done >= stated[0]:
                rows.append({"photos": f"{stated.pop(0):.0%}", "killed": "", **peaks})
            if kills and done >= next(iter(kills)):
                share, what = next(iter(kills.items()))
                del kills[share]
                rows.append({"photos": f"{done:.0%}", "killed": what, **peaks})
                kill(what, driver.pid)
        if driver.returncode == 0:
            return [*rows, *({"photos": f"{s:.0%}", "killed": "", **peaks} for s in stated)]
        if driver.returncode != -signal.SIGKILL:
            raise SystemExit(f"The job ended with exit code {driver.returncode}.")


def answered(output: Path) -> int:
    """Rows of all files that are there."""
    files = [str(path) for path in output.glob("part-*.parquet")]
    return ds.dataset(files, format="parquet").count_rows() if files else 0


def sample(driver: int) -> Peaks:
    """Megabytes of the process that was started, and of its largest worker, now."""
    megabytes: Peaks = {}
    for pid, name in [(driver, "driver MB"), *((pid, "worker MB") for pid in working(driver))]:
        try:
            megabytes[name] = max(megabytes.get(name, 0), round(resident_megabytes(pid)))
        except (OSError, RuntimeError):
            # It has ended in the meantime.
            continue
    return megabytes


def kill(what: str, driver: int) -> None:
    """End processes of a job at once."""
    pids = {"driver": [driver], "worker": working(driver)[:1]}
    for pid in pids.get(what) or [driver, *(pid for pid, _ in descendants(driver))]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def working(driver: int) -> list[int]:
    """Its processes that answer photos, as Ray names them."""
    return [pid for pid, name in descendants(driver) if name.startswith("ray::answer_chunk")]


def descendants(pid: int) -> list[tuple[int, str]]:
    """The processes that a process has started, and those that they have, with their titles."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid=,args="], capture_output=True, text=True)
    lines = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    found, waiting = list[tuple[int, str]](), [pid]
    while waiting:
        parent = waiting.pop()
        for child, above, title in lines:
            if int(above) == parent:
                found.append((int(child), title))
                waiting.append(int(child))
    return found


if __name__ == "__main__":
    main()
