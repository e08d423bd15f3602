"""Packs of strangers: spoilt after signing, and signed by a stranger who says what he likes."""

import functools
import json
import random
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save
from tests.fuzz.json_changes import change_header, change_json
from tests.fuzz.shop import WIDTH, in_memory, shop, taught
from tests.fuzz.target import Target, file_of

from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner.model import Model
from edge_tosca.packs import SigningKey, export_classes, import_pack, load_public_key, make_key, read_pack
from edge_tosca.packs.container import ENTRY, Pack, PackedTask, signed_bytes
from edge_tosca.store.store import Store

_NAMES = (
    "",
    " ",
    "mug",
    "mug ",
    "a" * 201,
    "a\nb",
    "\x1b[2J",
    "\ud800",
    "é",
    "e\u0301",
    "\u202e",
    "../..",
    "中" * 200,
)
_TIMES = (
    "",
    "2026-01-01",
    "2026-01-01T00:00:00+00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "x",
)


def _read_pack(data: bytes) -> None:
    with file_of("classes.pack", data) as path:
        read_pack(path)


def _read_signed(data: bytes) -> None:
    """Take the bytes for a seed: what the signer says, or how he says it, is not what a pack may hold."""
    chance = random.Random(data)
    key, pack = _key(), _pack()
    for _ in range(chance.choice((1, 1, 2, 3))):
        pack = _another(pack, chance)
    try:
        whole = pack.to_bytes(key) if chance.random() < 0.6 else _misspelt(pack, key, chance)
    # What cannot even be written down is no input.
    except (UnicodeEncodeError, ValueError, OverflowError, TypeError):
        return
    with file_of("classes.pack", whole) as path, closing(in_memory(taught(("plate", "fork")))) as connection:
        read = read_pack(path)
        store = Store(Path("shop.tosca"), connection)
        before = list(connection.iterdump())
        try:
            import_pack(store, read, trusted=[key.public], merge=chance.random() < 0.3)
        except EdgeToscaError:
            if list(connection.iterdump()) != before:
                raise AssertionError("a pack that was refused left something behind") from None
            raise
        Model(store, store.state()).predict(np.ones((1, WIDTH), np.float32), 3)


def _read_key(data: bytes) -> None:
    with file_of("key.pub", data) as path:
        load_public_key(path)


def _another(pack: Pack, chance: random.Random) -> Pack:
    """Change one thing that the account tells, or that an array holds."""
    deed = chance.randrange(6)
    if deed == 0:
        name = chance.choice(("fingerprint", "origin", "router"))
        return replace(pack, **{name: chance.choice((*_NAMES, "fused", "entropy", "0" * 64))})
    if deed == 1:
        return replace(
            pack, feature_dim=chance.choice((0, -1, 1, WIDTH, 2**40)), private=chance.random() < 0.5
        )
    place = chance.randrange(len(pack.tasks))
    tasks = list(pack.tasks)
    if deed == 2:
        tasks = chance.choice((tasks * 2, tasks[:1], tasks[::-1]))
    else:
        tasks[place] = _other_task(tasks[place], chance)
    return replace(pack, tasks=tuple(tasks))


def _other_task(task: PackedTask, chance: random.Random) -> PackedTask:
    deed = chance.randrange(6)
    if deed == 0:
        return replace(task, name=chance.choice(_NAMES), learned_at=chance.choice(_TIMES))
    if deed == 1:
        return replace(task, labels=tuple(chance.choice((label, *_NAMES)) for label in task.labels))
    if deed == 2:
        return replace(task, module=change_header(task.module, chance))
    if deed == 3:
        module = bytearray(task.module)
        module[chance.randrange(len(module))] = chance.randrange(256)
        return replace(task, module=bytes(module))
    if deed == 4:
        return replace(task, cosines=_other_array(task.cosines, chance))
    return replace(task, features=tuple(_other_array(rows, chance) for rows in task.features))


def _other_array(values: Any, chance: random.Random) -> Any:
    deed = chance.randrange(6)
    if deed == 0:
        return values[: chance.choice((0, 1))]
    if deed == 1:
        return np.nan_to_num(values).astype(chance.choice((np.float32, np.float64, np.int8, np.bool_)))
    if deed == 2:
        return values.reshape(-1)
    if deed == 3 or not values.size:
        return np.zeros((0, 2**40), np.float16)
    changed = values.copy()
    if changed.dtype.kind != "f":
        return changed
    number = chance.choice((0.0, 65504.0, -65504.0, np.nan, np.inf, 6e-8))
    if deed == 4:
        changed.flat[chance.randrange(changed.size)] = number
    else:
        changed[...] = number
    return changed


def _misspelt(pack: Pack, key: SigningKey, chance: random.Random) -> bytes:
    """Sign an account of other shapes and types, over the arrays of a pack in order."""
    account = change_json(pack.account(key.public).encode(), chance).decode()
    signed = json.dumps({"account": account, "signature": key.sign(signed_bytes(account))}, sort_keys=True)
    return bytes(save(pack._arrays(), metadata={ENTRY: signed}))


@functools.cache
def _key() -> SigningKey:
    with tempfile.TemporaryDirectory() as folder:
        make_key(Path(folder) / "key")
        return SigningKey.load(Path(folder) / "key")


@functools.cache
def _pack() -> Pack:
    with closing(in_memory(shop())) as connection:
        return export_classes(Store(Path("shop.tosca"), connection))


def _packs() -> list[bytes]:
    return [_pack().to_bytes(_key())]


def _keys() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        make_key(Path(folder) / "key")
        return [(Path(folder) / name).read_bytes() for name in ("key", "key.pub")]


def _in_header(data: bytes, most: int, seed: int) -> bytes:
    return change_header(data, random.Random(seed))[:most]


def _draw(data: bytes, most: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(8)


TARGETS = {
    "pack": Target(_read_pack, _packs, change=_in_header, most=40_000),
    "signed": Target(_read_signed, lambda: [bytes(8), b"12345678"], change=_draw, most=16),
    "key": Target(
        _read_key, _keys, words=(b"-----BEGIN PUBLIC KEY-----", b"-----END PUBLIC KEY-----"), most=1000
    ),
}
