"""SHA-256 digests of bytes, pictures and features, and the canonical JSON that digests are taken of."""

import hashlib
import json

from edge_tosca.arrays import Array


def pictures_digest(pictures: list[str]) -> str:
    """Give one digest for the pictures of a class, whatever their order.

    Args:
        pictures: sha256 (hex) of each.

    Returns:
        sha256 (hex) over them, sorted and put together without anything in between.
    """
    return sha256("".join(sorted(pictures)).encode())


def row_digests(features: Array) -> list[str]:
    """Stand in for pictures of which there are no files: the sha256 (hex) of each feature as float16.

    Args:
        features: [n, d].
    """
    return [sha256(row.astype("<f2").tobytes()) for row in features]


def canonical(value: object) -> str:
    """Spell a value as JSON in the one way that digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=bytes.hex)


def sha256(data: bytes) -> str:
    """Give the sha256 (hex) of bytes."""
    return hashlib.sha256(data).hexdigest()
