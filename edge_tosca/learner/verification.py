"""Verify a store: digests, audit log, and the router solved again."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.statistics import GramStatistics
from edge_tosca.learner.model import Knowledge
from edge_tosca.store.audit.hash_chain import Seal
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.verify import _SENSELESS, Audit, _chain, _head, _large, _modules, _tables, file_faults
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.version import __version__

_NEAR = 1e-4
"""Of an array's largest number. Another processor rounds otherwise; what changes an answer is more."""


def verify(store: Store, known: str | None = None, *, solve: bool = True) -> Audit:
    """Compute anew whatever a store keeps a digest of, and compare.

    Args:
        store: to be looked at; it is only read, all of it at one moment.
        known: a head that was noted down earlier, or its first digits: it must be in the chain.
        solve: solve the router anew, too, which takes as long as learning one more class.

    Returns:
        What was found.

    Raises:
        StoreError: the file cannot be read at all.
    """
    start = time.perf_counter()
    with one_blas_thread(), store.snapshot():
        seals, state = store.seals.all(), store.state()
        found = list(file_faults(store)) + list(_chain(seals, known))
        if seals:
            found += _head(store, seals[-1])
            found += _tables(store, seals[-1])
            found += _large(store)
        found += _modules(store)
        solved = solve and bool(state.tasks) and not found and _comparable(seals, state)
        if solved:
            found += _derived(store, state)
        images = sum(group.images for task in store.tasks_ever() for group in task.groups)
        return Audit(
            seals=len(seals),
            head=seals[-1].digest if seals else "",
            generations=store.latest(),
            classes=len(state.labels),
            images=images,
            solved=solved,
            discrepancies=tuple(found),
            seconds=time.perf_counter() - start,
        )


def _comparable(seals: Sequence[Seal], state: State) -> bool:
    """Say whether this version of the program has solved the live generation: another may solve otherwise."""
    made = [seal for seal in seals if seal.generation == state.generation]
    try:
        return bool(made) and made[0].content["by"]["versions"]["edge-tosca"] == __version__
    except _SENSELESS:
        return False


def _derived(store: Store, state: State) -> Iterator[str]:
    knowledge = Knowledge(store, state)
    statistics = knowledge.statistics()
    kept = store.derived("statistics")
    sums = statistics.to_arrays() if isinstance(statistics, GramStatistics) else {}
    if not _same(kept or {}, sums, 0.0):
        yield "the sums that are kept are not those of the cached features"
    router = knowledge.solve(statistics)[0].to_arrays()
    if not _same(store.derived("routers") or {}, router, _NEAR):
        yield "the router that is kept is not the one that the cached features give"


def _same(kept: dict[str, Array], anew: dict[str, Array], near: float) -> bool:
    return kept.keys() == anew.keys() and all(
        kept[name].shape == array.shape and _close(kept[name], array, near) for name, array in anew.items()
    )


def _close(kept: Array, anew: Array, near: float) -> bool:
    if kept.dtype == np.float16:
        near = max(near, float(np.finfo(np.float16).eps))
    finite = np.isfinite(anew)
    reach = near * float(np.abs(anew[finite]).max(initial=0.0))
    apart = np.abs(kept[finite].astype(np.float64) - anew[finite])
    return bool((kept[~finite] == anew[~finite]).all() and (apart <= reach).all())
