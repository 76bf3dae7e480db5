"""Sources of a bulk job: a few photos as folder, Parquet and WebDataset."""

import io
import os
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tests.helpers.tiny_bundle import draw_disc, noise

COLORS = ("red", "lime", "blue", "gray", "orange")


def encoded(number: int) -> bytes:
    """A small photo; five colors in turns, each size in a few of them."""
    file = io.BytesIO()
    color = Image.new("RGB", (32 + number % 7, 32), COLORS[number % 5])
    (color if number % 2 else draw_disc(color=COLORS[number % 5])).save(file, "PNG")
    return file.getvalue()


def large_photo() -> bytes:
    """A photo that takes a while to decode."""
    file = io.BytesIO()
    Image.fromarray(noise(900, 600)).save(file, "JPEG", quality=90)
    return file.getvalue()


def write_photos(folder: Path, count: int) -> Path:
    """Photos in a folder and in one in it, among them a file that is not one."""
    (folder / "more").mkdir(parents=True)
    for number in range(count):
        place = folder / "more" if number % 3 == 0 else folder
        (place / f"{number:03d}.png").write_bytes(encoded(number))
    (folder / "broken.jpg").write_bytes(b"not a photo")
    (folder / "notes.txt").write_text("not listed")
    return folder


def write_parquet(path: Path, photos: list[bytes | None], rows_in_group: int) -> Path:
    """Photos as `datasets` stores them."""
    images = [None if data is None else {"bytes": data, "path": None} for data in photos]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(images, kind), "label": list(range(len(photos)))})
    pq.write_table(table, path, row_group_size=rows_in_group)
    return path


def write_tar(path: Path, count: int) -> Path:
    """Photos as WebDataset stores them, each with a label."""
    with tarfile.open(path, "w") as archive:
        for number in range(count):
            for ending, data in ((".png", encoded(number)), (".cls", b"1")):
                member = tarfile.TarInfo(f"{number:06d}{ending}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


def end_process() -> None:
    """End the process that runs this, as a lack of memory would."""
    os._exit(1)
