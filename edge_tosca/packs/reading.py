"""Read packs of strangers: whatever is wrong with one is told in one line, and nothing of it is believed.

What was read is written again and compared, so no byte of a pack can change unnoticed. The file's size and
its header's are bounded before either is read.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError, PackError
from edge_tosca.labels import checked_label
from edge_tosca.packs.container import (
    ENTRY,
    FORMAT,
    MOST_BYTES,
    MOST_HEADER_BYTES,
    MOST_NAME,
    Pack,
    PackedTask,
    signed_bytes,
)
from edge_tosca.packs.keys import signature_fits

_KINDS = {
    "fingerprint": str,
    "origin": str,
    "feature_dim": int,
    "router": str,
    "private": bool,
    "key": str,
}


def read_pack(path: Path) -> Pack:
    """Read a pack and check that it is what its signer signed. Whether the signer is trusted is not asked.

    Args:
        path: of the file.

    Returns:
        The pack, with its signer's key.

    Raises:
        PackError: it is missing, no pack, of a newer format, damaged, changed, or its signature is wrong.
    """
    data = _content(path)
    message, signature = _signed(data, path)
    try:
        account = json.loads(message)
        version = account["format"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _damaged(path) from None
    if isinstance(version, int) and version > FORMAT:
        raise PackError(f"{path} has format {version}, this program reads {FORMAT}; update edge-tosca")
    key = account.get("key")
    if not isinstance(key, str) or not signature_fits(key, signature, signed_bytes(message)):
        raise PackError(f"{path}: its signature is wrong, it was changed after signing; get it again")
    try:
        return _unpacked(account, message, signature, data)
    except LearnError as error:
        raise PackError(f"{path}: {error}") from None
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise _damaged(path) from None


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PackError(f"{path}: there is no pack here; make one with: edge-tosca pack export")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PackError(f"{path} cannot be read ({error.strerror}); name another, or allow it") from None
    if len(data) > MOST_BYTES:
        raise PackError(f"{path} has more than {MOST_BYTES >> 20} MiB; packs are smaller, name another file")
    return data


def _signed(data: bytes, path: Path) -> tuple[str, str]:
    """Find the account and its signature, before anything else of the file is looked at."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MOST_HEADER_BYTES, len(data) - 8):
        raise PackError(f"{path} is not a class pack, or only a part of one; get it again")
    try:
        entry = json.loads(data[8 : 8 + length])["__metadata__"][ENTRY]
        signed = json.loads(entry)
        message, signature = signed["account"], signed["signature"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise PackError(f"{path} is not a class pack, or was changed; get it again") from None
    if not isinstance(message, str) or not isinstance(signature, str) or not message.isascii():
        raise _damaged(path)
    return message, signature


def _unpacked(account: dict[str, Any], message: str, signature: str, data: bytes) -> Pack:
    if any(not isinstance(account[name], kind) for name, kind in _KINDS.items()):
        raise ValueError("an entry of the account has another type")
    _shown(account["origin"])
    arrays = load(data)
    width = account["feature_dim"]
    pack = Pack(
        **{name: account[name] for name in _KINDS},
        tasks=tuple(_task(place, entry, arrays, width) for place, entry in enumerate(account["tasks"])),
        digest=hashlib.sha256(signed_bytes(message)).hexdigest(),
    )
    if not pack.tasks or pack.assembled(pack.key, signature) != data:
        raise ValueError("written again it has other bytes")
    return pack


def _task(place: int, entry: dict[str, Any], arrays: dict[str, Array], width: int) -> PackedTask:
    classes = entry["classes"]
    features = tuple(arrays[f"{place}.{position}.features"] for position in range(len(classes)))
    cosines, module = arrays[f"{place}.cosines"], arrays[f"{place}.module"]
    images = sum(len(rows) for rows in features)
    for rows, shape in (
        *((rows, (len(rows), width)) for rows in features),
        (cosines, (images, len(classes))),
    ):
        if rows.dtype != np.float16 or rows.shape != shape or 0 in shape:
            raise ValueError("an array has another type or shape than its account says")
    if not all(np.isfinite(rows).all() for rows in features):
        raise ValueError("a feature is not finite")
    datetime.fromisoformat(entry["learned_at"])
    name = _shown(entry["name"])
    labels = tuple(checked_label(part["label"]) for part in classes)
    return PackedTask(name, entry["learned_at"], labels, module.tobytes(), cosines, features)


def _shown(text: Any) -> str:
    """Take a text that is shown to users: a stranger's must not pass for lines of our own."""
    if not isinstance(text, str) or len(text) > MOST_NAME or not text.isprintable():
        raise ValueError("a name cannot be shown")
    return text


def _damaged(path: Path) -> PackError:
    return PackError(f"{path} is damaged or was changed after signing; get it again")
