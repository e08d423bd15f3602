"""Rename or merge classes, and roll back to an earlier generation."""

from edge_tosca.errors import LearnError
from edge_tosca.labels import checked_label, normalized_label, require_distinct
from edge_tosca.learner.input_checks import unknown_class
from edge_tosca.learner.refit import refit
from edge_tosca.store.retention import rollback_target
from edge_tosca.store.store import Store
from edge_tosca.store.validation import damage_errors
from edge_tosca.system.blas import one_blas_thread


def rename_class(store: Store, label: str, new: str, merge: bool, new_class: bool = False) -> int:
    """Rename a class, or merge it into another one; see `Learner.rename`.

    Args:
        store: the store.
        label: the class.
        new: its new name.
        merge: the new name is that of another class, which the class joins.
        new_class: the new name may differ from a known one only in case or look-alike letters.

    Returns:
        The new generation.

    Raises:
        LearnError: the store has no such class, the new name cannot be stored, or it is taken (without merge)
            or free (with merge).
        StoreError: the store cannot be written.
    """
    label = normalized_label(label)
    with one_blas_thread(), store.transaction():
        state = store.state()
        new = checked_label(new, state.labels)
        if label not in state.labels:
            raise LearnError(unknown_class(store.path, state.labels, label))
        if new == label:
            raise LearnError(f"class {label!r} has that name already; choose another")
        if (new in state.labels) != merge:
            remedy = "there is none to merge with" if merge else "choose another name, or merge the two"
            taken = "is not known" if merge else "is taken"
            raise LearnError(f"class {new!r} {taken} in {store.path}; {remedy}")
        # A class may be renamed to another spelling of its own name.
        require_distinct(new, [other for other in state.labels if other != label], new_class=new_class)
        generation = store.add_generation("merge" if merge else "rename", state.generation)
        for group in state.groups:
            if group.label == label:
                store.deactivate_class(group.id, generation)
                store.activate_class(group.id, new, generation)
        refit(store, generation, store.derived("statistics", state.generation))
        store.set_report(generation, {"classes": [new], "before": label})
    return generation


def rollback(store: Store, generation: int | None) -> int:
    """Restore the classes of an earlier generation, as a new generation; see `Learner.rollback`.

    Args:
        store: the store.
        generation: number of the earlier one; None for the one from which the live classes were made.

    Returns:
        The new generation.

    Raises:
        LearnError: there is no earlier generation, or a lesson of it was pruned.
        StoreError: there is no such generation, or the store cannot be written.
    """
    with one_blas_thread(), store.transaction():
        live = store.state()
        target = _previous(store) if generation is None else generation
        if (date := store.pruned_at(target)) is not None:
            raise LearnError(
                f"{store.path}: generation {target} cannot be restored: a lesson of it was undone, and "
                f"pruned on {date[:10]}; choose another generation, or teach the lesson again"
            )
        before = store.state(target)
        wanted = {group.id: group.label for group in (*before.groups, *before.none_groups)}
        new = store.add_generation("rollback", target)
        for group in (*live.groups, *live.none_groups):
            if wanted.get(group.id) == group.label:
                del wanted[group.id]
            else:
                store.deactivate_class(group.id, new)
        for group_id, label in wanted.items():
            store.activate_class(group_id, label, new)
        refit(store, new)
        store.set_report(new, {"to": target})
    return new


def _previous(store: Store) -> int:
    entries = store.history()
    with damage_errors(store.path):
        target = rollback_target({entry.number: (entry.command, entry.parent) for entry in entries})
    if target is None:
        raise LearnError(f"{store.path} has nothing to roll back to")
    return target
