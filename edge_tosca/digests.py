"""SHA-256 digests of bytes, pictures and features, and the canonical JSON that is hashed."""

import hashlib
import json

from edge_tosca.arrays import Array


def pictures_digest(pictures: list[str]) -> str:
    """Compute one digest for the pictures of a class, independent of their order.

    Args:
        pictures: sha256 (hex) of each.

    Returns:
        sha256 (hex) of the sorted digests, concatenated without separators.
    """
    return sha256("".join(sorted(pictures)).encode())


def row_digests(features: Array) -> list[str]:
    """Compute a digest for each feature, where there are no picture files to hash.

    Args:
        features: of any float type, [n, d].

    Returns:
        sha256 (hex) of each row as little-endian float16.
    """
    return [sha256(row.astype("<f2").tobytes()) for row in features]


def canonical_json(value: object) -> str:
    """Serialise a value as JSON that is equal for equal values: sorted keys, no blanks, bytes as hex.

    Args:
        value: of dictionaries, lists, strings, numbers, booleans, None and bytes.

    Returns:
        The text that is hashed.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=bytes.hex)


def sha256(data: bytes) -> str:
    """Compute the sha256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
