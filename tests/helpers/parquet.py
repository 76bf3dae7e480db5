"""Tiny image datasets, as bytes for a dataset repository of the local Hub."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet
from PIL import Image


def jpeg(size: int) -> bytes:
    """A square JPEG; each size gives a different file."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (size % 256, 80, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


def image_parquet(rows: list[tuple[bytes, int]], names: list[str] | None = None) -> bytes:
    """Images and labels as `datasets` writes them; `names` are the class names of the labels."""
    images = [{"bytes": content, "path": f"{n}.jpg"} for n, (content, _) in enumerate(rows)]
    table = pa.table({"image": images, "label": [label for _, label in rows]})
    label = {"_type": "ClassLabel", "names": names} if names else {"_type": "Value"}
    label |= {"dtype": "int64"}
    features = {"image": {"_type": "Image"}, "label": label}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), buffer)
    return buffer.getvalue()
