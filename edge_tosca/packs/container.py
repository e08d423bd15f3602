"""The file of a class pack: arrays in the safetensors format, and a signed account of them.

The account and its signature are the file's only metadata entry, as canonical JSON. The account holds the
sha256 of each array, and determines the arrays' names, types and shapes.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from edge_tosca.arrays import Array
from edge_tosca.digests import sha256
from edge_tosca.errors import PackError
from edge_tosca.labels import NONE_LABEL
from edge_tosca.packs.keys import SigningKey, write_new

FORMAT = 1

WITH_NONE = 2
"""Format of a pack with pictures of none of the classes, which version 0.1.1 refuses."""

MAX_BYTES = 32 << 20
"""Bytes of the largest pack: 12,500 features of the built-in backbone. Reading takes up to four copies."""

MAX_HEADER_BYTES = 2 << 20
"""Bytes of the largest header, which holds the account: about 5,000 classes."""

MAX_NAME_LENGTH = 200
"""Characters that a task's name may have."""

ENTRY = "edge-tosca pack"
"""Name of the file's only metadata entry."""


@dataclass(frozen=True)
class PackedTask:
    """A task, or a task of those of its classes that are exported.

    Attributes:
        name: as the user gave it when the task was learned.
        learned_at: ISO 8601, UTC.
        labels: of its groups, in the order of the module's prototypes.
        module: the bytes of `Module.to_bytes`.
        cosines: the module's held-out cosines, float16 [n, k]; see `Store.evidence`.
        features: cached features of each group, float16 [n_c, d]; synthetic ones in a private pack.
    """

    name: str
    learned_at: str
    labels: tuple[str, ...]
    module: bytes
    cosines: Array
    features: tuple[Array, ...]

    @property
    def of_none(self) -> bool:
        """Whether it holds pictures of none of the classes."""
        return NONE_LABEL in self.labels

    @property
    def digest(self) -> str:
        """sha256 (hex) over the module, its cosines and the features; independent of names."""
        arrays = (self.cosines, *self.features)
        parts = [sha256(self.module), *(sha256(array.tobytes()) for array in arrays)]
        return sha256("".join(parts).encode())


@dataclass(frozen=True)
class Pack:
    """The content of a pack.

    Attributes:
        fingerprint: of the backbone that computed the features; see `edge_tosca.runtime.fingerprint`.
        origin: the same in words.
        feature_dim: d.
        router: of the store that it was exported from.
        private: the features are synthetic.
        tasks: the exported tasks.
        key: public key of the signer in hex; empty before it is signed.
        digest: sha256 (hex) of the signed bytes; empty before it is signed.
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
        """Distinct class names, without NONE_LABEL."""
        labels = (label for task in self.tasks for label in task.labels)
        return tuple(dict.fromkeys(label for label in labels if label != NONE_LABEL))

    @property
    def none(self) -> int:
        """Number of cached features of pictures of none of the classes."""
        return sum(len(rows) for task in self.tasks if task.of_none for rows in task.features)

    @property
    def images(self) -> int:
        """Number of cached features."""
        return sum(len(rows) for task in self.tasks for rows in task.features)

    def to_bytes(self, key: SigningKey) -> bytes:
        """Serialise and sign the pack.

        Args:
            key: the signer's private key.

        Returns:
            The file's content, the same for the same pack and key.
        """
        return self.assembled(key.public, key.sign(signed_bytes(self.account(key.public))))

    def assembled(self, key: str, signature: str) -> bytes:
        """Serialise the pack with a signature that was made before.

        Args:
            key: public key of the signer in hex.
            signature: of `signed_bytes`, in hex.

        Returns:
            The file's content.
        """
        signed = json.dumps({"account": self.account(key), "signature": signature}, sort_keys=True)
        return bytes(save(self._arrays(), metadata={ENTRY: signed}))

    def account(self, key: str) -> str:
        """Describe the pack in the canonical JSON that is signed.

        Args:
            key: public key of the signer in hex.

        Returns:
            JSON, ASCII only.
        """
        tasks = [
            {
                "name": task.name,
                "learned_at": task.learned_at,
                "module": sha256(task.module),
                "cosines": sha256(task.cosines.tobytes()),
                "classes": [
                    {"label": label, "images": len(rows), "features": sha256(rows.tobytes())}
                    for label, rows in zip(task.labels, task.features, strict=True)
                ],
            }
            for task in self.tasks
        ]
        account = {
            "format": WITH_NONE if self.none else FORMAT,
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
            # safetensors writes the buffer as it is in memory, whatever the array's order.
            arrays[f"{place}.cosines"] = np.ascontiguousarray(task.cosines)
            for position, rows in enumerate(task.features):
                arrays[f"{place}.{position}.features"] = np.ascontiguousarray(rows)
        return arrays


def write_pack(path: Path, pack: Pack, key: SigningKey) -> int:
    """Sign a pack and write it to a file that does not exist yet.

    Args:
        path: of the file.
        pack: the content.
        key: the signer's private key.

    Returns:
        The file's size in bytes.

    Raises:
        PackError: the file exists, cannot be written, or would be larger than a reader accepts.
    """
    data = pack.to_bytes(key)
    if len(data) > MAX_BYTES or int.from_bytes(data[:8], "little") > MAX_HEADER_BYTES:
        raise PackError(f"{path} would be larger than packs may be; export fewer classes at a time")
    write_new(path, data, 0o644)
    return len(data)


def signed_bytes(account: str) -> bytes:
    """Prefix an account, so that no signature of other data is one of a pack.

    Args:
        account: of `Pack.account`.

    Returns:
        The bytes that are signed, and that the pack's digest is taken of.
    """
    return b"edge-tosca class pack\n" + account.encode()
