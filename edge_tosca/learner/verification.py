"""Verify a store: its digests, its audit log, and its sums and router recomputed."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.statistics import GramStatistics
from edge_tosca.learner.normalized_features import NormalizedFeatures
from edge_tosca.learner.refit import solve_router, sum_up
from edge_tosca.store.audit.hash_chain import AuditEntry
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.verify import Audit, content_faults
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.version import __version__

_BY_REFERENCES = ("threshold", "scale", "reference_scores")
"""Arrays of a router that depend on the bundle of its backbone, too."""

_BY_THRESHOLD = {"known_scores", "reference_scores", "scale"}
"""Arrays that routers of earlier versions do not have."""

_TOLERANCE = 1e-4
"""Relative to the largest number of an array. Processors round differently; a changed answer needs more."""


def verify(store: Store, known: str | None = None, *, solve: bool = True) -> Audit:
    """Compare the contents of a store with its digests, and its sums and router with recomputed ones.

    Args:
        store: the store; it is only read, in one snapshot.
        known: digest of an audit entry that was noted down earlier, or its first digits; the chain must have
            it.
        solve: recompute the sums and the router, too, which takes as long as learning one more class.

    Returns:
        The audit, with every discrepancy.

    Raises:
        StoreError: the file cannot be read at all.
    """
    start = time.perf_counter()
    with one_blas_thread(), store.snapshot():
        entries, state = store.audit_entries(), store.state()
        found = list(content_faults(store, entries, known))
        solved = solve and bool(state.tasks) and not found and _comparable(entries, state)
        if solved:
            found += _derived_faults(store, state)
        images = store.images()
        return Audit(
            seals=len(entries),
            head=entries[-1].digest if entries else "",
            generations=store.latest(),
            classes=len(state.labels),
            images=images,
            solved=solved,
            discrepancies=tuple(found),
            seconds=time.perf_counter() - start,
        )


def _comparable(entries: Sequence[AuditEntry], state: State) -> bool:
    """Return whether this version of the program solved the live router; another may solve differently."""
    made = [entry for entry in entries if entry.generation == state.generation]
    # `store solve` makes no generation.
    solved = [entry for entry in entries[made[0].number :] if entry.command == "solve"] if made else []
    return bool(made) and (made + solved)[-1].program_version == __version__


def _derived_faults(store: Store, state: State) -> Iterator[str]:
    """Compare the stored sums and router with recomputed ones; yield what differs."""
    features_of = NormalizedFeatures(store, state)
    statistics = sum_up(store, state, features_of)
    stored = store.derived("statistics")
    sums = statistics.to_arrays() if isinstance(statistics, GramStatistics) else {}
    if not _same(stored or {}, sums, 0.0):
        yield "the stored sums are not those of the cached features"
    stored_router = store.derived("routers") or {}
    # An earlier version solved it without references, or the bundle had none.
    anchored = len(stored_router.get("reference_scores", ())) > 0
    router = solve_router(store, state, features_of, statistics, with_references=anchored)[0].to_arrays()
    if set(stored_router) == set(router) - _BY_THRESHOLD:
        router = {name: router[name] for name in stored_router}
    if _lacks_references(stored_router, router):
        router |= {name: stored_router[name] for name in _BY_REFERENCES}
    if not _same(stored_router, router, _TOLERANCE):
        yield "the stored router is not the one that the cached features give"


def _lacks_references(stored: dict[str, Array], computed: dict[str, Array]) -> bool:
    """Return whether the bundle with the references that placed the stored threshold is not here."""
    before, now = (arrays.get("reference_scores", np.zeros(0)) for arrays in (stored, computed))
    return len(before) != len(now) and set(_BY_REFERENCES) <= set(stored)


def _same(stored: dict[str, Array], computed: dict[str, Array], tolerance: float) -> bool:
    return stored.keys() == computed.keys() and all(
        stored[name].shape == array.shape and _close(stored[name], array, tolerance)
        for name, array in computed.items()
    )


def _close(stored: Array, computed: Array, tolerance: float) -> bool:
    if stored.dtype == np.float16:
        tolerance = max(tolerance, float(np.finfo(np.float16).eps))
    finite = np.isfinite(computed)
    most = tolerance * float(np.abs(computed[finite]).max(initial=0.0))
    difference = np.abs(stored[finite].astype(np.float64) - computed[finite])
    return bool((stored[~finite] == computed[~finite]).all() and (difference <= most).all())
