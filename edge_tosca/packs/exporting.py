"""Gather taught classes for a pack."""

from collections.abc import Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import PackError
from edge_tosca.learner.task_training import train_task_module
from edge_tosca.packs.container import MOST_NAME, Pack, PackedTask
from edge_tosca.packs.synthetic_features import FEWEST, stand_ins
from edge_tosca.store.state import Task
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread


def export_classes(store: Store, labels: Sequence[str] = (), *, private: bool = False) -> Pack:
    """Gather classes of the live generation, in all surroundings in which they were taught.

    Where a task is exported whole, its module is the one that the store has, byte for byte. Where only some
    of its classes are, the module is fitted anew from those alone, as `forget` does: the pack then holds
    nothing of the others, and is what teaching only those classes would have given.

    Args:
        store: that knows the classes.
        labels: class names; all that are known by default.
        private: tell nothing of the pictures but each class's mean feature: stand-ins take the place of
            cached features, and every class is a task of its own, whose module has no say.

    Returns:
        The pack, ready to be signed.

    Raises:
        PackError: a class is not known, has too few pictures for a private pack, or the store follows the
            paper's rule.
    """
    settings = store.settings
    require_default_router(store)
    with one_blas_thread(), store.snapshot():
        state = store.state()
        wanted = set(labels or state.labels)
        if missing := sorted(wanted - set(state.labels)):
            raise PackError(
                f"{store.path} knows no class {missing[0]!r}; see: edge-tosca classes {store.path}"
            )
        if not wanted:
            raise PackError(f"{store.path} knows no class yet; teach it with: edge-tosca learn")
        pack = _stood_in if private else _packed
        tasks = [packed for task in state.tasks for packed in pack(store, task, wanted)]
    return Pack(
        fingerprint=settings["fingerprint"],
        origin=settings["origin"],
        feature_dim=int(settings["feature_dim"]),
        router=settings["router"],
        private=private,
        tasks=tuple(tasks),
    )


def require_default_router(store: Store) -> None:
    """Refuse stores whose answers depend on the order of learning.

    Args:
        store: any store.

    Raises:
        PackError: it follows the paper's rule.
    """
    if store.settings["router"] == "entropy":
        raise PackError(
            f"{store.path} follows the paper's rule (--router entropy), under which modules depend on those "
            "before them; packs need a store with the default router"
        )


def _packed(store: Store, task: Task, wanted: set[str]) -> list[PackedTask]:
    groups = [group for group in task.groups if group.label in wanted]
    if not groups:
        return []
    features = [store.features(group) for group in groups]
    labels = [group.label for group in groups]
    if len(groups) < len(task.groups):
        return [_taught(task, labels, features)]
    return [_with_module(task, labels, features, store.module(task.module), store.evidence(task.module))]


def _stood_in(store: Store, task: Task, wanted: set[str]) -> list[PackedTask]:
    packed = []
    for group in task.groups:
        if group.label not in wanted:
            continue
        if group.images < FEWEST:
            raise PackError(
                f"class {group.label!r} has only {group.images} pictures in {task.name!r}, and their mean "
                f"would show them; a private pack needs {FEWEST} of each class"
            )
        packed.append(_taught(task, [group.label], [stand_ins(store.features(group))]))
    return packed


def _taught(task: Task, labels: Sequence[str], features: Sequence[Array]) -> PackedTask:
    module, cosines = train_task_module(features)
    return _with_module(task, labels, features, module.to_bytes(), cosines)


def _with_module(
    task: Task, labels: Sequence[str], features: Sequence[Array], module: bytes, cosines: Array
) -> PackedTask:
    name = "".join(c if c.isprintable() else " " for c in task.name)[:MOST_NAME]
    return PackedTask(
        name, task.learned_at, tuple(labels), module, cosines.astype(np.float16), tuple(features)
    )
