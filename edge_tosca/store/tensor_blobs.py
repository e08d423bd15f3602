"""Read the arrays of a BLOB one by one, so that no two copies of them are in memory."""

import sqlite3

import numpy as np

from edge_tosca.arrays import Array, safetensors_header
from edge_tosca.store.crypto.row_cipher import DecryptedBlob

_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I16": "<i2", "I32": "<i4", "I64": "<i8"}


def read_arrays(blob: sqlite3.Blob | DecryptedBlob) -> dict[str, Array]:
    """Read the arrays of a BLOB in the safetensors format.

    SQLite and safetensors would each hold all of its bytes at once: three times the size of a router.

    Args:
        blob: open for reading, at its start; the decrypted bytes where the store is encrypted.

    Returns:
        Arrays by name, read-only.

    Raises:
        ValueError, TypeError, LookupError, RecursionError: it is not in that format.
    """
    entries, start = safetensors_header(blob, len(blob))
    entries.pop("__metadata__", None)
    # Arrays may not share bytes: a small row could hold more arrays than fit into memory.
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
