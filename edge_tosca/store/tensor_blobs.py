"""Read the arrays of a large row one by one, so that they are never in memory twice."""

import json
import sqlite3

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.store.crypto.row_cipher import DecryptedBlob

_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I16": "<i2", "I32": "<i4", "I64": "<i8"}


def read_arrays(blob: sqlite3.Blob | DecryptedBlob) -> dict[str, Array]:
    """Read a blob in the safetensors format.

    SQLite and the library would each hold the whole of it while it is read: three times a router's size.

    Args:
        blob: open for reading, at its start; or its plain bytes, where it is encrypted.

    Returns:
        Arrays by name, not to be written to.

    Raises:
        ValueError, TypeError, LookupError: it is not in that format.
    """
    start = 8 + int.from_bytes(blob.read(8), "little")
    entries = json.loads(bytes(blob.read(start - 8)))
    if not isinstance(entries, dict):
        raise TypeError("no table of arrays")
    entries.pop("__metadata__", None)
    # Arrays may not share bytes: a small row would unfold to more than there is memory.
    if sum(end - begin for begin, end in (entry["data_offsets"] for entry in entries.values())) > len(blob):
        raise ValueError("the arrays are larger than the row")
    arrays = {}
    for name, entry in entries.items():
        begin, end = entry["data_offsets"]
        if not 0 <= begin <= end <= len(blob) - start:
            raise ValueError("an array lies outside the row")
        blob.seek(start + begin)
        arrays[name] = np.frombuffer(blob.read(end - begin), _TYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays
