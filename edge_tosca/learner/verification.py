"""Verify a store: digests, audit log, and the router solved again."""

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

_NEAR = 1e-4
"""Of an array's largest number. Another processor rounds otherwise; what changes an answer is more."""


def verify(store: Store, known: str | None = None, *, solve: bool = True) -> Audit:
    """Compute computed whatever a store keeps a digest of, and compare.

    Args:
        store: to be looked at; it is only read, all of it at one moment.
        known: a head that was noted down earlier, or its first digits: it must be in the chain.
        solve: solve the router computed, too, which takes as long as learning one more class.

    Returns:
        What was found.

    Raises:
        StoreError: the file cannot be read at all.
    """
    start = time.perf_counter()
    with one_blas_thread(), store.snapshot():
        entries, state = store.audit_log.all(), store.state()
        found = list(content_faults(store, entries, known))
        solved = solve and bool(state.tasks) and not found and _comparable(entries, state)
        if solved:
            found += _derived(store, state)
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
    """Return whether this version of the program made the live generation; others may solve differently."""
    made = [entry for entry in entries if entry.generation == state.generation]
    return bool(made) and made[0].program_version == __version__


def _derived(store: Store, state: State) -> Iterator[str]:
    features_of = NormalizedFeatures(store, state)
    statistics = sum_up(store, state, features_of)
    kept = store.derived("statistics")
    sums = statistics.to_arrays() if isinstance(statistics, GramStatistics) else {}
    if not _same(kept or {}, sums, 0.0):
        yield "the sums that are kept are not those of the cached features"
    router = solve_router(store, state, features_of, statistics)[0].to_arrays()
    if not _same(store.derived("routers") or {}, router, _NEAR):
        yield "the router that is kept is not the one that the cached features give"


def _same(kept: dict[str, Array], computed: dict[str, Array], near: float) -> bool:
    return kept.keys() == computed.keys() and all(
        kept[name].shape == array.shape and _close(kept[name], array, near)
        for name, array in computed.items()
    )


def _close(kept: Array, computed: Array, near: float) -> bool:
    if kept.dtype == np.float16:
        near = max(near, float(np.finfo(np.float16).eps))
    finite = np.isfinite(computed)
    reach = near * float(np.abs(computed[finite]).max(initial=0.0))
    apart = np.abs(kept[finite].astype(np.float64) - computed[finite])
    return bool((kept[~finite] == computed[~finite]).all() and (apart <= reach).all())
