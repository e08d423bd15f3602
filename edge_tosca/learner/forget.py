"""Erase a class for good, with everything that was computed from it."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError, StoreError
from edge_tosca.labels import NONE_LABEL, normalized_label
from edge_tosca.learner.input_checks import unknown_class
from edge_tosca.learner.refit import fit_task_module, refit
from edge_tosca.store.copies import known_copies
from edge_tosca.store.forget_notes import (
    FORGOTTEN_SETTING,
    ForgetNote,
    add_notes,
    drop_note,
    followed,
    make_note,
)
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store
from edge_tosca.system.blas import one_blas_thread


def forget_class(store: Store, label: str) -> int:
    """Erase a class and train its tasks' modules again without it; see `Learner.forget`.

    Args:
        store: the store.
        label: the class.

    Returns:
        The new generation.

    Raises:
        LearnError: the store has no such class.
        StoreError: the store cannot be written, or data of the class could not be erased.
    """
    return _forget(store, normalized_label(label))


def forget_none(store: Store) -> int:
    """Erase all pictures that show none of the classes; see `Learner.forget_none`.

    Args:
        store: the store.

    Returns:
        The new generation.

    Raises:
        LearnError: the store has none.
        StoreError: the store cannot be written, or pictures could not be erased.
    """
    return _forget(store, NONE_LABEL)


def _forget(store: Store, label: str) -> int:
    return forget_rows(store, lambda: {label: _rows_of_class(store, store.state(), label)})


def forget_rows(
    store: Store,
    find: Callable[[], Mapping[str, dict[int, list[int]]]],
    settle: Callable[[int], None] = lambda generation: None,
) -> int:
    """Erase rows of classes, with thumbnails of them, and note it for the copies of the store.

    Args:
        store: the store.
        find: called inside the transaction; returns name of a class to row of a task to rows of the class.
        settle: called inside the transaction with the new generation.

    Returns:
        The new generation.

    Raises:
        StoreError: the store cannot be written, or data of a class could not be erased.
    """
    notes: list[ForgetNote] = []
    try:
        # A copy of the older format would keep what is erased here.
        with one_blas_thread(), store.transaction(keep_copy=False):
            found = find()
            names = store.labels_ever(
                group for rows in found.values() for erased in rows.values() for group in erased
            )
            notes += [make_note(store, label, rows) for label, rows in found.items()]
            merged: dict[int, list[int]] = {}
            for rows in found.values():
                for task, groups in rows.items():
                    merged.setdefault(task, []).extend(groups)
            generation = erase_rows(store, merged, list(found))
            ids = followed(store.settings) | {note.id for note in notes}
            store.set_setting(FORGOTTEN_SETTING, " ".join(sorted(ids)))
            settle(generation)
            # Before the change takes effect: a class must not be erased without a note.
            add_notes(store.path, notes)
    except BaseException:
        for note in notes:
            with contextlib.suppress(StoreError):
                drop_note(store.path, note)
        raise
    try:
        follow_store(store, labels={*found, *names}.difference(store.state().labels))
    finally:
        store.scrub()
    _note_beside_copies(store.path, notes)
    return generation


def erase_rows(store: Store, found: dict[int, list[int]], labels: list[str]) -> int:
    """Erase rows of classes and train their tasks' modules again without them; inside a transaction.

    Args:
        store: the store.
        found: row of a task to the rows of its classes.
        labels: names of the classes, for the history.

    Returns:
        The new generation.
    """
    before = store.state()
    ever = store.labels_ever(group for erased in found.values() for group in erased)
    generation = store.add_generation("forget", before.generation)
    for task, erased in found.items():
        left = [group for group in store.groups_of_task(task) if group.id not in erased]
        digest = None
        if left:
            rows = [store.features(group) for group in left]
            # Read again: modules that were just trained have other digests.
            module, cosines = fit_task_module(store, rows, store.state(), task)
            data = module.to_bytes()
            digest = sha256(data)
            store.add_module(digest, data, cosines)
        store.erase(task, erased, digest)
    refit(store, generation)
    store.forget_pictures(ever)
    none = {"none": 0} if NONE_LABEL in labels else {}
    store.set_report(generation, {"classes": [label for label in labels if label != NONE_LABEL], **none})
    return generation


def _note_beside_copies(store: Path, notes: Sequence[ForgetNote]) -> None:
    """Note forgotten classes beside the copies that can be reached, in case the store is lost."""
    with contextlib.suppress(StoreError):
        for copy in known_copies(store):
            if copy.exists():
                with contextlib.suppress(StoreError):
                    add_notes(copy, notes)


def _rows_of_class(store: Store, state: State, label: str) -> dict[int, list[int]]:
    """Find the rows of a class, live ones and those of history: task row to class rows.

    A row that had the name once and lives under another one belongs to that other class, and stays.
    """
    live = {group.id: group.label for group in (*state.groups, *state.none_groups)}
    ever = store.groups_ever(label)
    found = {
        task: rows
        for task, groups in ever.items()
        if (rows := [group for group in groups if live.get(group, label) == label])
    }
    if not found and label == NONE_LABEL:
        raise LearnError(
            f"{store.path} has no pictures of none of the classes; add some with: "
            f"edge-tosca learn {store.path} --none FOLDER"
        )
    if not found:
        renamed_to = {live[group] for groups in ever.values() for group in groups}
        raise LearnError(unknown_class(store.path, state.labels, label, sorted(renamed_to)))
    return found
