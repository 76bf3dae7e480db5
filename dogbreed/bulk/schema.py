"""The columns of the answers."""

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        ("labels", pa.list_(pa.string())),
        ("probabilities", pa.list_(pa.float64())),
        ("is_dog", pa.float64()),
        ("looks_like_dog", pa.bool_()),
        ("prediction_set", pa.list_(pa.string())),
        ("note", pa.string()),
        ("error", pa.string()),
    ]
)
