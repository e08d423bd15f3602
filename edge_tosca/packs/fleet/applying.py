"""Make a store hold the packs that its fleet wants, and no others, with the same answers on every box.

Every lesson of the fleet is a task of one class in a row that its time and content decide, also on the box
that taught it, where the class leaves the task in which it was learned. So two stores with the same packs
have the same tasks in the same order, whatever the order of imports.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from edge_tosca.arrays import mean_or_none
from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError, PackError
from edge_tosca.labels import NONE_LABEL, checked_label
from edge_tosca.learner.forget import forget_rows
from edge_tosca.learner.refit import accuracies_before, fit_task_module, refit
from edge_tosca.learner.storage_limit import keep_within
from edge_tosca.packs.container import Pack, PackedTask
from edge_tosca.packs.exporting import require_default_router
from edge_tosca.packs.feature_checks import warnings_of
from edge_tosca.packs.fleet.holdings import Holding, held_packs, set_holding
from edge_tosca.packs.importing import ImportReport, added_statistics, require_fit, task_row
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.quality.held_out_outcomes import OUTCOMES_BY_CLASS, in_all, outcomes_by_class
from edge_tosca.store.state import State, Task, TaskClass
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread


@dataclass(frozen=True)
class Applied:
    """The result of an import of packs of a fleet.

    Attributes:
        generation: the new one; None where nothing changed.
        before: label to held-out accuracy before; only where it was asked for.
        after: the same after.
    """

    generation: int | None
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)


def refusal(store: Store, pack: Pack, key: str) -> str:
    """Return why a pack of a fleet cannot be imported, by its content alone; "" where it can.

    Args:
        store: to import into.
        pack: of `read_pack`.
        key: of the member that offered it.
    """
    if pack.key != key:
        return "it is signed by another key than its offer"
    if len(pack.tasks) != 1 or len(pack.tasks[0].labels) != 1 or pack.tasks[0].labels[0] == NONE_LABEL:
        return "a pack of a fleet has one lesson of one class"
    try:
        require_default_router(store)
        require_fit(store.settings, store.path, pack)
        checked_label(pack.tasks[0].labels[0])
    except (PackError, LearnError) as error:
        return str(error)
    return ""


def erase_packs(store: Store, packs: Set[str]) -> int | None:
    """Erase packs with all features, thumbnails and modules that came of them.

    Args:
        store: the store.
        packs: digests; those that it does not hold are passed over.

    Returns:
        The new generation; None where there was nothing to erase.

    Raises:
        StoreError: the store cannot be written, or data could not be erased.
    """
    gone = {pack: one for pack, one in held_packs(store).items() if pack in packs}
    if not gone:
        return None
    groups = {one.group for one in gone.values()}

    def find() -> dict[str, dict[int, list[int]]]:
        found: dict[str, dict[int, list[int]]] = {}
        for task in store.tasks_ever():
            for group in task.groups:
                if group.id in groups:
                    found.setdefault(group.label, {}).setdefault(task.id, []).append(group.id)
        return found

    def settle(generation: int = 0) -> None:
        for pack in gone:
            set_holding(store, pack, None)

    if not find():
        with store.transaction():
            settle()
        return None
    return forget_rows(store, find, settle)


def refuse(store: Store, reasons: Mapping[str, str]) -> None:
    """Note that packs were refused after they had been imported.

    Args:
        store: the store.
        reasons: digest to reason.
    """
    with store.transaction():
        held = held_packs(store)
        for pack, reason in reasons.items():
            set_holding(store, pack, Holding(held[pack].task, held[pack].group, reason))


def import_packs(
    store: Store, packs: Mapping[str, Pack], names: Mapping[str, str], *, compare: bool = False
) -> Applied:
    """Import packs of a fleet, and name the classes of all its packs, as one generation.

    A class of this store that has the features of a pack, bit for bit, becomes the class of that pack.

    Args:
        store: the store.
        packs: digest to pack; those that the store holds are passed over.
        names: digest to the name of the class, of all packs that the store holds or gets.
        compare: measure the held-out accuracy before.

    Returns:
        What was done.

    Raises:
        StoreError: the store cannot be written.
    """
    with one_blas_thread(), store.transaction():
        before = store.state()
        held = held_packs(store)
        new = {pack: packs[pack] for pack in sorted(packs) if pack not in held}
        label_of = {group.id: group.label for group in before.groups}
        renamed = {
            one.group: names[pack]
            for pack, one in held.items()
            if pack in names and not one.refused and label_of.get(one.group, names[pack]) != names[pack]
        }
        if not new and not renamed:
            return Applied(None)
        accuracy_before = accuracies_before(store, before) if compare else {}
        generation = store.add_generation("import", before.generation)
        for group, label in renamed.items():
            _rename(store, group, label, generation)
        moved = False
        for pack, content in new.items():
            moved |= _take(store, pack, content, names[pack], generation)
        thinned = keep_within(store)
        plain = None if thinned or moved or renamed else added_statistics(store, before, generation)
        after = refit(store, generation, plain)
        accuracy = accuracy_by_class(after.state, after.held_out)
        outcomes = outcomes_by_class(after.state, after.held_out, after.unknown)
        labels = tuple(dict.fromkeys(names[pack] for pack in new))
        others = [label for label in outcomes if label not in labels]
        made = replace(
            _report(generation, new, labels, after.state, before, accuracy),
            outcomes_new=in_all(outcomes, labels),
            outcomes_old_after=in_all(outcomes, others),
        )
        report = made.to_json()
        if not made.warnings:
            del report["warnings"]
        store.set_report(generation, {**report, BY_CLASS: accuracy, OUTCOMES_BY_CLASS: outcomes})
    return Applied(generation, accuracy_before, accuracy)


def _take(store: Store, pack: str, content: Pack, label: str, generation: int) -> bool:
    """Add the class of a pack, or make a class of this store the pack's; return whether it was here."""
    task = content.tasks[0]
    row = task_row(task)
    while store.groups_of_task(row):
        row -= 1
    store.add_module(sha256(task.module), task.module, task.cosines)
    name, digest = f"{task.name} from {content.key[:8]}", sha256(task.module)
    own = _same_features(store, task, generation)
    if own is None:
        store.file_task(name, task.learned_at, digest, [(label, task.features[0])], generation, row)
        group = store.groups_of_task(row)[0].id
    else:
        old, found = own
        store.file_task(name, task.learned_at, digest, [], generation, row)
        store.move_class(found.id, row)
        _leave(store, old)
        if found.label != label:
            _rename(store, found.id, label, generation)
        group = found.id
    set_holding(store, pack, Holding(row, group))
    return own is not None


def _same_features(store: Store, packed: PackedTask, generation: int) -> tuple[Task, TaskClass] | None:
    """Find a live class that no pack claims and that has the features of a pack, bit for bit."""
    claimed = {one.group for one in held_packs(store).values()}
    rows = packed.features[0]
    for task in store.state(generation).tasks:
        for group in task.groups:
            if group.id in claimed or group.images != len(rows):
                continue
            if store.features(group).tobytes() == rows.tobytes():
                return task, group
    return None


def _leave(store: Store, task: Task) -> None:
    """Train the module of a task again that a class has left, or remove the task with its last class."""
    left = store.groups_of_task(task.id)
    digest = None
    if left:
        features = [store.features(group) for group in left]
        module, cosines = fit_task_module(store, features, store.state(), task.id)
        data = module.to_bytes()
        digest = sha256(data)
        store.add_module(digest, data, cosines)
    store.erase(task.id, [], digest)


def _rename(store: Store, group: int, label: str, generation: int) -> None:
    store.deactivate_class(group, generation)
    store.activate_class(group, label, generation)


def _report(
    generation: int,
    packs: Mapping[str, Pack],
    labels: tuple[str, ...],
    state: State,
    before: State,
    accuracy: Mapping[str, float],
) -> ImportReport:
    earlier = {task.id for task in before.tasks}
    keys = {pack.key for pack in packs.values()}
    return ImportReport(
        generation=generation,
        classes=labels,
        tasks=tuple(task.name for task in state.tasks if task.id not in earlier),
        images=sum(pack.images for pack in packs.values()),
        pack=next(iter(packs)) if len(packs) == 1 else "",
        key=keys.pop() if len(keys) == 1 else "",
        private=any(pack.private for pack in packs.values()),
        accuracy_new=mean_or_none([share for label, share in accuracy.items() if label in labels]),
        accuracy_old_after=mean_or_none([share for label, share in accuracy.items() if label not in labels]),
        seconds={},
        warnings=tuple(line for pack in packs.values() for line in warnings_of(pack)),
    )
