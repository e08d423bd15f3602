"""Export classes of a store as a pack."""

from collections.abc import Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import PackError
from edge_tosca.labels import NONE_LABEL, normalized_label
from edge_tosca.learner.input_checks import unknown_class
from edge_tosca.learner.task_training import train_task_module
from edge_tosca.packs.container import MAX_NAME_LENGTH, Pack, PackedTask
from edge_tosca.packs.synthetic_features import MIN_IMAGES, synthetic_features
from edge_tosca.store.state import Task
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread


def export_classes(
    store: Store, labels: Sequence[str] = (), *, private: bool = False, none: bool = False
) -> Pack:
    """Export classes of the live generation, in all domains in which they were taught.

    A task that is exported whole keeps the module of the store, byte for byte. If only some of its classes
    are exported, a module is trained on those alone, as `forget` does: the pack then holds nothing of the
    others, and equals a pack of a store that was taught only those classes.

    Args:
        store: with the classes.
        labels: names of the classes; all of the live generation by default.
        private: disclose nothing of the pictures but the mean feature of each class: synthetic features
            replace the cached ones, and each class is a task of its own, whose module changes no answer.
        none: export the pictures of none of the classes, too; the pack then has a format that version 0.1.1
            refuses.

    Returns:
        The pack, not yet signed.

    Raises:
        PackError: a class is not known or has too few pictures for a private pack, or the store's router is
            the paper's.
    """
    settings = store.settings
    require_default_router(store)
    with one_blas_thread(), store.snapshot():
        state = store.state()
        wanted = {normalized_label(label) for label in labels} or set(state.labels)
        if missing := sorted(wanted - set(state.labels)):
            raise PackError(unknown_class(store.path, state.labels, missing[0]))
        if not wanted:
            raise PackError(f"{store.path} knows no class yet; teach it with: edge-tosca learn")
        pack = _private if private else _packed
        if none and not state.none:
            raise PackError(f"{store.path} has no pictures of none of the classes; leave out --none")
        if none:
            wanted.add(NONE_LABEL)
        learned = (*state.tasks, *(state.none if none else ()))
        tasks = [packed for task in learned for packed in pack(store, task, wanted)]
    return Pack(
        fingerprint=settings["fingerprint"],
        origin=settings["origin"],
        feature_dim=int(settings["feature_dim"]),
        router=settings["router"],
        private=private,
        tasks=tuple(tasks),
    )


def require_default_router(store: Store) -> None:
    """Refuse a store whose answers depend on the order of learning.

    Args:
        store: any store.

    Raises:
        PackError: its router is the paper's.
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
        return [_retrained(store, task, labels, features)]
    return [_with_module(task, labels, features, store.module(task.module), store.evidence(task.module))]


def _private(store: Store, task: Task, wanted: set[str]) -> list[PackedTask]:
    packed = []
    for group in task.groups:
        if group.label not in wanted:
            continue
        if group.images < MIN_IMAGES:
            raise PackError(
                f"class {group.label.strip()!r} has only {group.images} pictures in {task.name!r}, and their "
                f"mean would show them; a private pack needs {MIN_IMAGES} of each class"
            )
        drawn = synthetic_features(store.features(group), store.widths)
        packed.append(_retrained(store, task, [group.label], [drawn]))
    return packed


def _retrained(store: Store, task: Task, labels: Sequence[str], features: Sequence[Array]) -> PackedTask:
    module, cosines = train_task_module([store.first_part(rows) for rows in features])
    return _with_module(task, labels, features, module.to_bytes(), cosines)


def _with_module(
    task: Task, labels: Sequence[str], features: Sequence[Array], module: bytes, cosines: Array
) -> PackedTask:
    name = "".join(c if c.isprintable() else " " for c in task.name)[:MAX_NAME_LENGTH]
    return PackedTask(
        name, task.learned_at, tuple(labels), module, cosines.astype(np.float16), tuple(features)
    )
