"""A class pack as a file: arrays in the safetensors format, and a signed account of every one of them.

The file's only metadata entry is the account and its signature, as JSON in one fixed spelling. The account
names the sha256 of each array; what arrays there are, their types and their shapes follow from it. Whatever
was read is written again and compared, so no byte of the file can change unnoticed.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from edge_tosca.errors import LearnError, PackError
from edge_tosca.folders import checked_label
from edge_tosca.luca import Array
from edge_tosca.packs.keys import SigningKey, signature_fits, write_new

FORMAT = 1

MOST_BYTES = 32 << 20
"""Of a pack: 12,500 features of the built-in backbone. A reader holds its bytes up to four times."""

MOST_HEADER_BYTES = 2 << 20
"""Of the account: about 5,000 classes."""

_MOST_NAME = 1000

_ENTRY = "edge-tosca pack"
_KINDS = {"fingerprint": str, "origin": str, "feature_dim": int, "router": str, "private": bool}


@dataclass(frozen=True)
class PackedTask:
    """A task, or what is left of it when some of its classes are not exported.

    Attributes:
        name: as its teacher gave it.
        learned_at: ISO 8601, UTC.
        labels: of its groups, in the order of the module's prototypes.
        module: what `Module.to_bytes` gave.
        cosines: the module's held-out cosines, float16 [n, k]; see `Store.evidence`.
        features: cached features of each group, float16 [n_c, d]; stand-ins in a private pack.
    """

    name: str
    learned_at: str
    labels: tuple[str, ...]
    module: bytes
    cosines: Array
    features: tuple[Array, ...]

    @property
    def digest(self) -> str:
        """The sha256 (hex) over what the task taught; names do not change it."""
        parts = [_sha256(self.module), _sha256(self.cosines), *map(_sha256, self.features)]
        return _sha256("".join(parts).encode())


@dataclass(frozen=True)
class Pack:
    """What a pack holds.

    Attributes:
        fingerprint: of the backbone that made the features; see `edge_tosca.runtime.fingerprint`.
        origin: the same in words.
        feature_dim: d.
        router: the rule of the store that it came from.
        private: the features are stand-ins.
        tasks: what was taught.
        key: public key of the signer in hex; empty before it is signed.
        digest: sha256 (hex) of all that is signed; empty before it is signed.
    """

    fingerprint: str
    origin: str
    feature_dim: int
    router: str
    private: bool
    tasks: tuple[PackedTask, ...]
    key: str = field(default="", compare=False)
    digest: str = field(default="", compare=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """Distinct class names."""
        return tuple(dict.fromkeys(label for task in self.tasks for label in task.labels))

    @property
    def images(self) -> int:
        """Number of cached features."""
        return sum(len(rows) for task in self.tasks for rows in task.features)

    def to_bytes(self, key: SigningKey) -> bytes:
        """Write and sign the pack.

        Args:
            key: that signs.

        Returns:
            The file's content, the same for the same pack and key.
        """
        message = _spelled(self._account(key.public))
        signed = json.dumps({"account": message, "signature": key.sign(_marked(message))}, sort_keys=True)
        return bytes(save(self._arrays(), metadata={_ENTRY: signed}))

    def _account(self, key: str) -> dict[str, Any]:
        tasks = [
            {
                "name": task.name,
                "learned_at": task.learned_at,
                "module": _sha256(task.module),
                "cosines": _sha256(task.cosines),
                "classes": [
                    {"label": label, "images": len(rows), "features": _sha256(rows)}
                    for label, rows in zip(task.labels, task.features, strict=True)
                ],
            }
            for task in self.tasks
        ]
        return {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "origin": self.origin,
            "feature_dim": self.feature_dim,
            "router": self.router,
            "private": self.private,
            "tasks": tasks,
            "key": key,
        }

    def _arrays(self) -> dict[str, Array]:
        arrays: dict[str, Array] = {}
        for place, task in enumerate(self.tasks):
            arrays[f"{place}.module"] = np.frombuffer(task.module, np.uint8)
            arrays[f"{place}.cosines"] = task.cosines
            for position, rows in enumerate(task.features):
                arrays[f"{place}.{position}.features"] = rows
        return arrays


def write_pack(path: Path, pack: Pack, key: SigningKey) -> int:
    """Write a pack to a file that must not exist yet.

    Args:
        path: of the file.
        pack: what it is to hold.
        key: that signs it.

    Returns:
        Its size in bytes.

    Raises:
        PackError: the file exists, cannot be written, or would be larger than a reader accepts.
    """
    data = pack.to_bytes(key)
    if len(data) > MOST_BYTES or int.from_bytes(data[:8], "little") > MOST_HEADER_BYTES:
        raise PackError(f"{path} would be larger than packs may be; export fewer classes at a time")
    write_new(path, data, 0o644)
    return len(data)


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
    if not isinstance(key, str) or not signature_fits(key, signature, _marked(message)):
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
        entry = json.loads(data[8 : 8 + length])["__metadata__"][_ENTRY]
        signed = json.loads(entry)
        message, signature = signed["account"], signed["signature"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise PackError(f"{path} is not a class pack, or was changed; get it again") from None
    if not isinstance(message, str) or not isinstance(signature, str):
        raise _damaged(path)
    return message, signature


def _unpacked(account: dict[str, Any], message: str, signature: str, data: bytes) -> Pack:
    if any(not isinstance(account[name], kind) for name, kind in _KINDS.items()):
        raise ValueError("an entry of the account has another type")
    arrays = load(data)
    width = account["feature_dim"]
    tasks = tuple(_task(place, entry, arrays, width) for place, entry in enumerate(account["tasks"]))
    pack = Pack(
        fingerprint=account["fingerprint"],
        origin=account["origin"],
        feature_dim=width,
        router=account["router"],
        private=account["private"],
        tasks=tasks,
        key=account["key"],
        digest=hashlib.sha256(_marked(message)).hexdigest(),
    )
    again = json.dumps({"account": _spelled(pack._account(pack.key)), "signature": signature}, sort_keys=True)
    if not tasks or bytes(save(pack._arrays(), metadata={_ENTRY: again})) != data:
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
    name: str = entry["name"]
    # Also where encoding fails: a store could not keep such a name.
    if not isinstance(name, str) or len(name.encode()) > _MOST_NAME:
        raise ValueError("a task has no usable name")
    labels = tuple(checked_label(part["label"]) for part in classes)
    return PackedTask(name, entry["learned_at"], labels, module.tobytes(), cosines, features)


def _spelled(account: dict[str, Any]) -> str:
    return json.dumps(account, sort_keys=True, separators=(",", ":"))


def _marked(message: str) -> bytes:
    # A signature of something else must never be one of a pack.
    return b"edge-tosca class pack\n" + message.encode()


def _sha256(data: bytes | Array) -> str:
    return hashlib.sha256(data if isinstance(data, bytes) else data.tobytes()).hexdigest()


def _damaged(path: Path) -> PackError:
    return PackError(f"{path} is damaged or was changed after signing; get it again")
