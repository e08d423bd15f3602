"""A store with two classes, and what is in a store or a copy of it."""

from edge_tosca.learner.verification import verify
from edge_tosca.store.store import Store


def labels(path, key_file=None):
    store = Store.open(path, key_file)
    try:
        assert verify(store, solve=False).discrepancies == ()
        return set(store.state().labels)
    finally:
        store.close()


def ever(path):
    store = Store.open(path)
    try:
        return {group.label for task in store.tasks_ever() for group in task.groups}
    finally:
        store.close()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm")))
