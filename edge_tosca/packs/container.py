"""A class pack as a file: arrays in the safetensors format, and a signed account of every one of them.

The file's only metadata entry is the account and its signature, as JSON in one fixed spelling. The account
names the sha256 of each array; what arrays there are, their types and their shapes follow from it.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from edge_tosca.arrays import Array
from edge_tosca.errors import PackError
from edge_tosca.packs.keys import SigningKey, write_new

FORMAT = 1

MOST_BYTES = 32 << 20
"""Of a pack: 12,500 features of the built-in backbone. A reader holds its bytes up to four times."""

MOST_HEADER_BYTES = 2 << 20
"""Of the account: about 5,000 classes."""

MOST_NAME = 200
"""Characters of a task's name."""

ENTRY = "edge-tosca pack"
"""Name of the file's only metadata entry."""


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
        return self.assembled(key.public, key.sign(signed_bytes(self.account(key.public))))

    def assembled(self, key: str, signature: str) -> bytes:
        """Put the file together.

        Args:
            key: public key of the signer in hex.
            signature: of `signed_bytes`, in hex.

        Returns:
            The file's content.
        """
        signed = json.dumps({"account": self.account(key), "signature": signature}, sort_keys=True)
        return bytes(save(self._arrays(), metadata={ENTRY: signed}))

    def account(self, key: str) -> str:
        """Tell what the pack holds, in one fixed spelling.

        Args:
            key: public key of the signer in hex.

        Returns:
            JSON, ASCII only.
        """
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
        account = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "origin": self.origin,
            "feature_dim": self.feature_dim,
            "router": self.router,
            "private": self.private,
            "tasks": tasks,
            "key": key,
        }
        return json.dumps(account, sort_keys=True, separators=(",", ":"))

    def _arrays(self) -> dict[str, Array]:
        arrays: dict[str, Array] = {}
        for place, task in enumerate(self.tasks):
            arrays[f"{place}.module"] = np.frombuffer(task.module, np.uint8)
            # safetensors writes the memory as it lies, whatever the array's order.
            arrays[f"{place}.cosines"] = np.ascontiguousarray(task.cosines)
            for position, rows in enumerate(task.features):
                arrays[f"{place}.{position}.features"] = np.ascontiguousarray(rows)
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


def signed_bytes(account: str) -> bytes:
    """Mark an account, so that a signature of something else is never one of a pack.

    Args:
        account: of `Pack.account`.

    Returns:
        What a pack's signature signs, and its digest digests.
    """
    return b"edge-tosca class pack\n" + account.encode()


def _sha256(data: bytes | Array) -> str:
    return hashlib.sha256(data if isinstance(data, bytes) else data.tobytes()).hexdigest()
