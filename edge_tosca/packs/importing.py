"""Import the classes of a pack into a store, as if the store had learned them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from edge_tosca.arrays import mean_or_none
from edge_tosca.classifier.lda.statistics import GramStatistics
from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError, NameTakenError, PackError, StoreError
from edge_tosca.features.normalization import normalize
from edge_tosca.labels import NONE_LABEL, checked_label, require_distinct
from edge_tosca.learner.refit import refit, stored_sums
from edge_tosca.learner.storage_limit import keep_within
from edge_tosca.outcomes import Outcomes
from edge_tosca.packs.container import Pack, PackedTask
from edge_tosca.packs.exporting import require_default_router
from edge_tosca.packs.feature_checks import warnings_of
from edge_tosca.packs.superseded import fitted, superseded_origin
from edge_tosca.packs.trust import trusted_keys
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.quality.held_out_outcomes import OUTCOMES_BY_CLASS, in_all, outcomes_by_class
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.validation import feature_widths
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.tosca.task_module import Module


@dataclass(frozen=True)
class ImportReport:
    """The result of an import.

    Attributes:
        generation: the new one; None where the store knew all of the pack already.
        classes: labels that were imported, as the store names them.
        tasks: names of their tasks.
        images: number of cached features.
        pack: digest of the pack, sha256 (hex).
        key: public key of its signer in hex.
        private: the features are synthetic.
        accuracy_new: held-out accuracy of the imported classes, as the mean over classes.
        accuracy_old_after: the same of the classes known before; None if there were none.
        seconds: spent on "file" (checks and rows), "solve" (the router), and in "total".
        outcomes_new: what a user would see for held-out pictures of the imported classes; None if there are
            none.
        outcomes_old_after: the same of the classes known before.
        warnings: what the signature does not vouch for, a line each, see `warnings_of`.
    """

    generation: int | None
    classes: tuple[str, ...]
    tasks: tuple[str, ...]
    images: int
    pack: str
    key: str
    private: bool
    accuracy_new: float | None
    accuracy_old_after: float | None
    seconds: dict[str, float]
    outcomes_new: Outcomes | None = None
    outcomes_old_after: Outcomes | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as values that JSON can hold."""
        return asdict(self)


def import_pack(
    store: Store,
    pack: Pack,
    *,
    rename: Mapping[str, str] | None = None,
    merge: bool = False,
    trusted: Sequence[str] = (),
) -> ImportReport:
    """Add the tasks of a pack to a store, as one generation and in one transaction.

    Imported tasks come before those that the store learned itself, ordered by the times at which they were
    learned. So the order of imports changes no bit of any answer.

    Args:
        store: to import into.
        pack: of `read_pack`.
        rename: class name in the pack to its name in the store.
        merge: add classes whose names are taken to the store's classes of these names, as further domains.
        trusted: public keys in hex to trust for this import, besides those that the store trusts.

    Returns:
        The report.

    Raises:
        PackError: the signer is not trusted, the pack is of another backbone, a module in it is damaged, a
            name is taken, or the store knows a part of the pack already.
        StoreError: the store cannot be written.
    """
    start = time.perf_counter()
    _require_trust(store, pack, trusted)
    pack = fitted(store, pack)
    origin = superseded_origin(store, pack)
    require_fit({**store.settings, **{key: value or "" for key, value in origin.items()}}, store.path, pack)
    names = _names(pack, rename or {}, store.state().labels)
    with one_blas_thread(), store.transaction():
        before = store.state()
        for key, value in origin.items():
            store.set_setting(key, value)
        earlier = {task.id for task in before.tasks}
        known = _known_already(store, before, pack)
        labels = tuple(names.values())
        if len(known) == sum(len(task.features) for task in pack.tasks):
            return _unchanged(pack, known, time.perf_counter() - start)
        if known:
            raise PackError(
                f"{store.path} knows the very pictures of class {known[0].strip()!r} of this pack already; "
                "forget that class first, or have the pack exported without it"
            )
        taken = sorted(set(labels) & set(before.labels))
        if taken and not merge:
            raise NameTakenError(
                f"{store.path} knows a class {taken[0]!r} already; import it under another name with "
                f"--rename '{taken[0]}=NEW', or join the two with --merge",
                taken[0],
            )
        generation = store.add_generation("import", before.generation)
        for task in pack.tasks:
            _add_task(store, task, pack.key, names, generation)
        filed = time.perf_counter()
        thinned = keep_within(store)
        after = refit(store, generation, None if thinned else added_statistics(store, before, generation))
        accuracy = accuracy_by_class(after.state, after.held_out)
        outcomes = outcomes_by_class(after.state, after.held_out, after.unknown)
        done = time.perf_counter()
        report = ImportReport(
            generation=generation,
            classes=labels,
            tasks=tuple(task.name for task in after.state.tasks if task.id not in earlier),
            images=pack.images,
            pack=pack.digest,
            key=pack.key,
            private=pack.private,
            accuracy_new=mean_or_none([share for label, share in accuracy.items() if label in labels]),
            accuracy_old_after=mean_or_none(
                [share for label, share in accuracy.items() if label not in labels]
            ),
            seconds={"file": filed - start, "solve": done - filed, "total": done - start},
            warnings=warnings_of(pack),
            outcomes_new=in_all(outcomes, labels),
            outcomes_old_after=in_all(outcomes, [label for label in outcomes if label not in labels]),
        )
        stored = {**report.to_json(), BY_CLASS: accuracy, OUTCOMES_BY_CLASS: outcomes}
        if not report.warnings:
            del stored["warnings"]
        store.set_report(generation, stored)
    return report


def _require_trust(store: Store, pack: Pack, trusted: Sequence[str]) -> None:
    if pack.key not in {*trusted, *trusted_keys(store)}:
        raise PackError(
            f"the pack is signed with key {pack.key[:16]}, which {store.path} does not trust; if you know "
            f"whose it is: edge-tosca pack trust {store.path} PUBLIC_KEY"
        )
    require_default_router(store)


def require_fit(settings: dict[str, str], path: Path, pack: Pack) -> None:
    """Refuse a pack of another backbone, or with a module that does not fit.

    Args:
        settings: of the store.
        path: of the store.
        pack: to be imported.

    Raises:
        PackError: it does not fit.
    """
    mine = settings["fingerprint"], settings["router"], int(settings["feature_dim"])
    if (pack.fingerprint, pack.router, pack.feature_dim) != mine:
        raise PackError(
            f"the pack's features come from {pack.origin}, those of {path} from "
            f"{settings['origin']}; import it into a store of that backbone, runtime and device"
        )
    for task in pack.tasks:
        _require_module(task, feature_widths(settings)[0])


def _require_module(task: PackedTask, width: int) -> None:
    message = f"task {task.name!r} of the pack has a module that does not fit; have the pack exported again"
    try:
        # Before the module is made dense: its widths decide how much memory that takes.
        if load(task.module)["prototypes"].shape != (len(task.labels), width):
            raise PackError(message)
        module = Module.from_bytes(task.module)
    except (SafetensorError, LookupError, StoreError):
        raise PackError(message) from None
    numbers = (module.prototypes, np.array(module.scale), *module.parameters.values())
    if not all(np.isfinite(array).all() for array in numbers):
        raise PackError(message)


def _names(pack: Pack, rename: Mapping[str, str], known: Sequence[str]) -> dict[str, str]:
    if unknown := sorted(set(rename) - set(pack.labels)):
        raise PackError(
            f"the pack has no class {unknown[0]!r} to rename; it has {', '.join(pack.labels[:10])}"
        )
    names = {label: _checked(label, rename.get(label, label), known) for label in pack.labels}
    label_of_name: dict[str, str] = {}
    for label, name in names.items():
        if name in label_of_name:
            raise PackError(
                f"classes {label_of_name[name]!r} and {label!r} of the pack would both be {name!r}"
            )
        label_of_name[name] = label
    return names


def _checked(label: str, name: str, known: Sequence[str]) -> str:
    """Check the name that a class of a pack gets; the words of another device may need --rename."""
    try:
        checked = checked_label(name, known)
        require_distinct(checked, known)
    except LearnError as error:
        raise PackError(f"{error}; import it under another name with --rename '{label}=NEW'") from None
    return checked


def _known_already(store: Store, state: State, pack: Pack) -> list[str]:
    """List the store's labels of the pack's groups whose features, bit for bit, are live in the store."""
    packed = [rows for task in pack.tasks for rows in task.features]
    # Groups of other sizes need not be read.
    sizes = {len(rows) for rows in packed}
    live = {
        sha256(store.features(group).tobytes()): group.label
        for group in (*state.groups, *state.none_groups)
        if group.images in sizes
    }
    digests = [sha256(rows.tobytes()) for rows in packed]
    return [live[digest] for digest in digests if digest in live]


def _unchanged(pack: Pack, known: Sequence[str], seconds: float) -> ImportReport:
    return ImportReport(
        generation=None,
        classes=tuple(label for label in dict.fromkeys(known) if label != NONE_LABEL),
        tasks=(),
        images=pack.images,
        pack=pack.digest,
        key=pack.key,
        private=pack.private,
        accuracy_new=None,
        accuracy_old_after=None,
        seconds={"total": seconds},
    )


def _add_task(store: Store, task: PackedTask, key: str, names: Mapping[str, str], generation: int) -> None:
    """Add the rows of a task, or activate those of an import that was rolled back."""
    row = task_row(task)
    labels = [label if label == NONE_LABEL else names[label] for label in task.labels]
    state = store.state(generation)
    live = {group.id for group in (*state.groups, *state.none_groups)}
    while groups := store.groups_of_task(row):
        # Not if a part of it was forgotten since, or if the pack itself has the same task twice.
        whole = [len(rows) for rows in task.features] == [group.images for group in groups]
        if whole and not any(group.id in live for group in groups):
            for group, label in zip(groups, labels, strict=True):
                store.activate_class(group.id, label, generation)
            return
        row -= 1
    digest = sha256(task.module)
    store.add_module(digest, task.module, task.cosines)
    pairs = list(zip(labels, task.features, strict=True))
    store.file_task(f"{task.name} from {key[:8]}", task.learned_at, digest, pairs, generation, row)


def task_row(task: PackedTask) -> int:
    """Compute the row number of a task from its time and content; tasks learned here count up from 1.

    Returns:
        A negative number: 42 bits of milliseconds since 1970, which reach to 2109, and 20 bits of the digest.
    """
    learned = datetime.fromisoformat(task.learned_at)
    # A time without a zone must not be another time on each device.
    since = (learned if learned.tzinfo else learned.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    milliseconds = min(max(since // timedelta(milliseconds=1), 0), (1 << 42) - 1)
    return (milliseconds << 20 | int(task.digest, 16) >> 236) - (1 << 62)


def added_statistics(store: Store, before: State, generation: int) -> dict[str, Any] | None:
    """Add the new groups to the stored sums, in the positions of their tasks.

    Returns:
        Arrays by name; None where the sums must be computed from the features.
    """
    kept = stored_sums(store, before, store.derived("statistics", before.generation))
    # Of all groups that were live: sums of fewer would be put in the wrong positions.
    if kept is None or len(kept.counts) != len(before.groups):
        return None
    old = {group.id: place for place, group in enumerate(before.groups)}
    groups = store.state(generation).groups
    new = [group for group in groups if group.id not in old]
    sums = kept.with_groups([normalize(store.features(group), store.widths) for group in new])
    places = old | {group.id: len(old) + number for number, group in enumerate(new)}
    order = [places[group.id] for group in groups]
    return GramStatistics(sums.counts[order], sums.sums[order], sums.gram).to_arrays()
