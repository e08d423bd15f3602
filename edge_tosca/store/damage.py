"""Find contents that differ from their recorded digests before they are used, and say what mends them."""

import hashlib
import sqlite3
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.sqlite_errors import obstacle

_BYTES_AT_ONCE = 1 << 20

ANSWERING = {
    "features": ("features", "data", "id"),
    "evidence": ("modules", "evidence", "digest"),
    "routers": ("routers", "data", "generation"),
    "statistics": ("statistics", "data", "generation"),
}
"""Kind of a digest to the table, column and key of the content; answers depend on these."""

_NAMES = {
    "routers": "its router differs from its digest",
    "statistics": "its sums of features differ from their digest",
    "features": "cached features of a class differ from their digest",
    "evidence": "held-out answers of a module differ from their digest",
}


def digest_of_blob(blob: sqlite3.Blob) -> str:
    """Compute the sha256 (hex) of a large row, without a copy of it in memory.

    Args:
        blob: open for reading; it is left at its start.
    """
    digest = hashlib.sha256()
    blob.seek(0)
    while some := blob.read(_BYTES_AT_ONCE):
        digest.update(some)
    blob.seek(0)
    return digest.hexdigest()


def differing_content(path: Path, kind: str) -> StoreError:
    """Make the error for a content that differs from its digest.

    Args:
        path: of the store.
        kind: one of `edge_tosca.store.audit.hash_chain.KINDS` that is used for answers.
    """
    if kind in ("routers", "statistics"):
        remedy = f"compute it again from the cached features with: edge-tosca store solve {path}"
        if (found := obstacle(path)) is not None:
            remedy += f" (on a copy that can be written: {found[0]})"
    else:
        remedy = f"restore a copy, or forget the class that edge-tosca verify {path} names"
    return StoreError(f"{path} is damaged: {_NAMES[kind]}; {remedy}")
