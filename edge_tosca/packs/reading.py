"""Read and verify untrusted packs; every fault is a `PackError` of one line.

A pack that was read is serialised again and compared, so no changed byte goes unnoticed. The sizes of the
file and of its header are bounded before either is read.
"""

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from edge_tosca.arrays import Array, HeaderSizeError, safetensors_header
from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError, PackError
from edge_tosca.labels import NONE_LABEL, normalized_label
from edge_tosca.packs.container import (
    ENTRY,
    MAX_BYTES,
    MAX_HEADER_BYTES,
    MAX_NAME_LENGTH,
    WITH_NONE,
    Pack,
    PackedTask,
    signed_bytes,
)
from edge_tosca.packs.feature_checks import require_numbers
from edge_tosca.packs.keys import is_valid_signature

_KINDS = {
    "fingerprint": str,
    "origin": str,
    "feature_dim": int,
    "router": str,
    "private": bool,
    "key": str,
}


def read_pack(path: Path) -> Pack:
    """Read a pack and verify its signature; whether the signer is trusted is up to `import_pack`.

    Args:
        path: of the file.

    Returns:
        The pack, with its signer's key.

    Raises:
        PackError: it is missing, no pack, of a newer format, damaged, changed, its signature is wrong, or it
            holds numbers that no learner writes.
    """
    return unpacked(_content(path), path)


def unpacked(data: bytes, path: Path) -> Pack:
    """Read the bytes of a pack and verify its signature, as `read_pack` does.

    Args:
        data: of the file; more than MAX_BYTES are refused.
        path: named in errors.

    Returns:
        The pack, with its signer's key.

    Raises:
        PackError: as `read_pack`.
    """
    if len(data) > MAX_BYTES:
        raise PackError(f"{path} has more than {MAX_BYTES >> 20} MiB; packs are smaller, name another file")
    message, signature = _signed(data, path)
    try:
        account = json.loads(message)
        version = account["format"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _damaged(path) from None
    if isinstance(version, int) and version > WITH_NONE:
        raise PackError(f"{path} has format {version}, this program reads {WITH_NONE}; update edge-tosca")
    key = account.get("key")
    if not isinstance(key, str) or not is_valid_signature(key, signature, signed_bytes(message)):
        raise PackError(f"{path}: its signature is wrong, it was changed after signing; get it again")
    try:
        return _unpacked(account, message, signature, data)
    except (LearnError, PackError) as error:
        raise PackError(f"{path}: {error}") from None
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise _damaged(path) from None


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PackError(f"{path}: there is no pack here; make one with: edge-tosca pack export")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PackError(f"{path} cannot be read ({error.strerror}); name another, or allow it") from None
    return data


def _signed(data: bytes, path: Path) -> tuple[str, str]:
    """Read the account and its signature, before anything else of the file is parsed."""
    try:
        header, _ = safetensors_header(io.BytesIO(data), MAX_HEADER_BYTES)
        signed = json.loads(header["__metadata__"][ENTRY])
        message, signature = signed["account"], signed["signature"]
    except HeaderSizeError:
        raise PackError(f"{path} is not a class pack, or only a part of one; get it again") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise PackError(f"{path} is not a class pack, or was changed; get it again") from None
    if not isinstance(message, str) or not isinstance(signature, str) or not message.isascii():
        raise _damaged(path)
    return message, signature


def _unpacked(account: dict[str, Any], message: str, signature: str, data: bytes) -> Pack:
    if any(not isinstance(account[name], kind) for name, kind in _KINDS.items()):
        raise ValueError("an entry of the account has another type")
    _printable(account["origin"])
    arrays = load(data)
    width = account["feature_dim"]
    pack = Pack(
        **{name: account[name] for name in _KINDS},
        tasks=tuple(_task(place, entry, arrays, width) for place, entry in enumerate(account["tasks"])),
        digest=sha256(signed_bytes(message)),
    )
    if not pack.labels or pack.assembled(pack.key, signature) != data:
        raise ValueError("serialised again it has other bytes")
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
    datetime.fromisoformat(entry["learned_at"])
    name = _printable(entry["name"])
    labels = tuple(_label(part["label"]) for part in classes)
    if NONE_LABEL in labels and len(labels) > 1:
        raise ValueError("pictures of none of the classes share a task with a class")
    task = PackedTask(name, entry["learned_at"], labels, module.tobytes(), cosines, features)
    require_numbers(task)
    return task


def _label(text: str) -> str:
    return text if text == NONE_LABEL else normalized_label(text)


def _printable(text: Any) -> str:
    """Require a text that can be printed: one from an untrusted file must not pass for our own lines."""
    if not isinstance(text, str) or len(text) > MAX_NAME_LENGTH or not text.isprintable():
        raise ValueError("a name cannot be printed")
    return text


def _damaged(path: Path) -> PackError:
    return PackError(f"{path} is damaged or was changed after signing; get it again")
