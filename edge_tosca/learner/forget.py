"""Erase a class for good."""

from edge_tosca.digests import sha256
from edge_tosca.learner.input_checks import unknown_class
from edge_tosca.learner.refit import fit_task_module, refit
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store
from edge_tosca.system.blas import one_blas_thread


def forget_class(store: Store, label: str) -> int:
    """Erase a class and make its task's module anew; see `Learner.forget`."""
    with one_blas_thread(), store.transaction():
        before = store.state()
        found = _to_forget(store, before, label)
        labels = store.labels_ever(group for doomed in found.values() for group in doomed)
        generation = store.add_generation("forget", before.generation)
        for task, doomed in found.items():
            left = [group for group in store.groups_of_task(task) if group.id not in doomed]
            digest = None
            if left:
                rows = [store.features(group) for group in left]
                # The state as it is by now: modules that were made anew a moment ago have other names.
                module, cosines = fit_task_module(store, rows, store.state(), task)
                data = module.to_bytes()
                digest = sha256(data)
                store.add_module(digest, data, cosines)
            store.erase(task, doomed, digest)
        refit(store, generation)
        store.forget_pictures(labels)
        store.set_report(generation, {"classes": [label]})
    try:
        follow_store(store)
    finally:
        store.scrub()
    return generation


def _to_forget(store: Store, state: State, label: str) -> dict[int, list[int]]:
    """Find what a class's name stands for: task row to rows of classes, live ones and those of history.

    What once bore the name and lives under another one is another class by now, and stays.
    """
    called = {group.id: group.label for group in state.groups}
    ever = store.groups_ever(label)
    found = {
        task: kept
        for task, groups in ever.items()
        if (kept := [group for group in groups if called.get(group, label) == label])
    }
    if not found:
        now = {called[group] for groups in ever.values() for group in groups}
        meant = f"; {', '.join(sorted(map(repr, now)))} was called so once" if now else ""
        raise unknown_class(store, label, meant)
    return found
