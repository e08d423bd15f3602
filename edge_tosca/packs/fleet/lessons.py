"""The lessons of a store as packs of one class each, and the bytes of a pack that a store holds."""

import json
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.digests import sha256
from edge_tosca.features.normalization import module_input, normalize
from edge_tosca.learner.task_training import field_training
from edge_tosca.packs.container import MAX_NAME_LENGTH, Pack, PackedTask
from edge_tosca.packs.exporting import require_default_router
from edge_tosca.packs.fleet.holdings import Holding, group_of, held_packs
from edge_tosca.packs.keys import SigningKey
from edge_tosca.store.state import Task, TaskClass
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.tosca.task_module import Module
from edge_tosca.tosca.training import starting_point


@dataclass(frozen=True)
class SignedPack:
    """The file of a pack.

    Attributes:
        digest: sha256 (hex) of the data.
        data: the bytes.
        label: name of its class.
    """

    digest: str
    data: bytes
    label: str


def own_lessons(store: Store, *, imported: bool = False) -> list[tuple[Task, TaskClass]]:
    """List the live classes of a store, task by task, that are in no pack of a fleet.

    Args:
        store: the store.
        imported: those that were imported from a pack or in a fleet that was left, too.
    """
    claimed = {one.group for one in held_packs(store).values()}
    state = store.state()
    # Tasks that were learned here count up from 1; imported ones have negative rows.
    tasks = [task for task in state.tasks if imported or task.id > 0]
    return [(task, group) for task in tasks for group in task.groups if group.id not in claimed]


def packed_lesson(store: Store, task: Task, group: TaskClass, key: SigningKey) -> SignedPack:
    """Export one class of one lesson as a pack; the same bytes whenever it is done.

    Args:
        store: with the class.
        task: its task, whose module stays here.
        group: the class.
        key: the signer's.

    Returns:
        The pack.

    Raises:
        PackError: the store's router is the paper's.
    """
    require_default_router(store)
    with one_blas_thread():
        rows = store.features(group)
        module = _idle_module(store.first_part(rows))
    name = "".join(c if c.isprintable() else " " for c in task.name)[:MAX_NAME_LENGTH]
    packed = PackedTask(
        name,
        task.learned_at,
        (group.label,),
        module.to_bytes(),
        np.full((len(rows), 1), np.nan, "<f2"),
        (rows,),
    )
    settings = store.settings
    pack = Pack(
        fingerprint=settings["fingerprint"],
        origin=settings["origin"],
        feature_dim=int(settings["feature_dim"]),
        router=settings["router"],
        private=False,
        tasks=(packed,),
    )
    data = pack.to_bytes(key)
    return SignedPack(sha256(data), data, group.label)


def stored_pack(store: Store, holding: Holding, digest: str, account: bytes) -> bytes | None:
    """Assemble the bytes of a pack that a store holds.

    Args:
        store: the store.
        holding: where the pack is in it.
        digest: sha256 (hex) of the bytes.
        account: of `account_of`.

    Returns:
        The bytes; None where the store no longer has all of them, as after thinning.
    """
    group = group_of(store, holding)
    tasks = [task for task in store.tasks_ever() if task.id == holding.task]
    if group is None or not tasks:
        return None
    kept = json.loads(account)
    values = json.loads(kept["account"])
    entry = values["tasks"][0]
    packed = PackedTask(
        entry["name"],
        entry["learned_at"],
        (entry["classes"][0]["label"],),
        store.module(tasks[0].module),
        store.evidence(tasks[0].module).astype("<f2"),
        (store.features(group),),
    )
    names = ("fingerprint", "origin", "feature_dim", "router", "private")
    pack = Pack(**{name: values[name] for name in names}, tasks=(packed,))
    data = pack.assembled(values["key"], kept["signature"])
    return data if sha256(data) == digest else None


def account_of(pack: Pack, data: bytes) -> bytes:
    """Return what the bytes of a pack say besides its arrays: JSON with the account and its signature.

    Args:
        pack: as read.
        data: its bytes.
    """
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    signed = json.loads(header["__metadata__"]["edge-tosca pack"])
    return json.dumps({"account": pack.account(pack.key), "signature": signed["signature"]}).encode()


def _idle_module(rows: Array) -> Module:
    """Return a module of one class with zero parameters: a trained one has no weight either.

    Args:
        rows: first part of the class's features, [n, d].
    """
    x = module_input(normalize(rows))
    parameters, prototypes = starting_point(x, np.zeros(len(x), int), 1, field_training(len(x)), np.float32)
    zeros = {name: np.zeros_like(value) for name, value in parameters.items()}
    return Module.rounded("tosca", zeros, prototypes, 1.0)
