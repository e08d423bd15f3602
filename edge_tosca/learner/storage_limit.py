"""Keep a store within its size limit, by thinning the cached features of the largest classes."""

from typing import Any

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.statistics import keeps_rows
from edge_tosca.classifier.ood.none_of_these import MOST_MEANS
from edge_tosca.errors import StoreError
from edge_tosca.features.exemplars import Rule, herding
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.refit import refit
from edge_tosca.store.schema import MAX_BYTES_SETTING
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread

LEAST = 6
"""Features of a class that are always kept: two for each of the blocks that are held out in turn."""

_ROOM = 0.97
_REPORT_BYTES = 32_768
"""Reserved below the limit, as _ROOM is: pages are not full to the last byte, and the lesson's report, its
audit entry and the router's calibration are written after thinning."""

_ROUTER_BYTES = 10
"""Bytes per class and dimension in the router: two rows of float32 and one of int16."""


def keep_within(store: Store) -> dict[int, Array]:
    """Thin a store that would grow beyond its limit; inside a transaction, before the router is solved.

    Args:
        store: with or without a limit.

    Returns:
        The kept features of the groups that were thinned, see `thin`.

    Raises:
        StoreError: the store does not fit even with LEAST features per class.
    """
    kept: dict[int, Array] = {}
    # Only whole pages are freed, so that what a round frees is known after it.
    while (excess := _excess_bytes(store)) > 0:
        for features, places in thin(store, _most_per_class(store, excess)).items():
            kept[features] = kept[features][places] if features in kept else places
    return kept


def _excess_bytes(store: Store) -> float:
    limit = store.settings.get(MAX_BYTES_SETTING)
    if limit is None:
        return 0.0
    return store.used() + _growth_bytes(store) + _REPORT_BYTES - _ROOM * int(limit)


def _most_per_class(store: Store, excess: float) -> int:
    """Return how many features of a class to keep, so that the features of the others fill the excess."""
    counts = np.array([group.images for task in store.tasks_ever() for group in task.groups])
    width = 2 * int(store.settings["feature_dim"])
    for most in range(int(counts.max(initial=LEAST)) - 1, LEAST - 1, -1):
        if np.maximum(counts - most, 0).sum() * width >= excess:
            return most
    raise StoreError(
        f"{store.path}: {store.settings[MAX_BYTES_SETTING]} bytes are too few for its {len(counts)} classes, "
        f"even with {LEAST} cached features each; nothing was changed; forget a class, or raise the "
        f"limit with: edge-tosca store limit {store.path} BYTES"
    )


def thin(store: Store, most: int, rule: Rule = herding) -> dict[int, Array]:
    """Keep only so many cached features of each class; inside a transaction.

    Modules stay byte for byte. Everything else is as if the removed features had never been taught: sums are
    of the features that are left, so that a class can still be subtracted from them exactly.

    Args:
        store: to be thinned, including the tasks that a rollback took out.
        most: features to keep of a class.
        rule: selects the features to keep.

    Returns:
        Row of features to the places among them that were kept, int [most], of each group that was thinned.
    """
    kept: dict[int, Array] = {}
    modules = set()
    for task in store.tasks_ever():
        rows_kept, start = [], 0
        for group in task.groups:
            places = np.arange(group.images)
            if group.images > most:
                rows = store.features(group)
                places = kept[group.features] = rule(normalize(rows, store.widths), most)
                store.put_features(group, rows[places])
                _thin_sources(store, group.features, places)
            rows_kept.append(start + places)
            start += group.images
        if task.module not in modules and sum(map(len, rows_kept)) < start:
            evidence = store.evidence(task.module)
            # Tasks with the very same pictures share a module, whose evidence may have been thinned before.
            if len(evidence) == start:
                store.put_evidence(task.module, evidence[np.concatenate(rows_kept)])
                modules.add(task.module)
    return kept


def _thin_sources(store: Store, features: int, places: Array) -> None:
    files = store.pictures.of(features)
    if files:
        order = enumerate(places.tolist())
        store.pictures.put(features, {at: files[old] for at, old in order if old in files})


def _growth_bytes(store: Store) -> int:
    """Estimate by how many bytes the router and the sums will grow when the router is solved."""

    def stored(table: str) -> int:
        rows: list[tuple[Any, ...]] = store.query(f"SELECT coalesce(sum(length(data)), 0) FROM {table}")
        return int(rows[0][0])

    state = store.state()
    groups = state.groups
    d = int(store.settings["feature_dim"])
    sums = 0 if keeps_rows(sum(group.images for group in groups), d) else 4 * d * (len(groups) + d + 1)
    none = 4 * d * MOST_MEANS * len(state.none)
    return _ROUTER_BYTES * d * len(groups) + none + sums - stored("routers") - stored("statistics")


def limit_size(store: Store, most: int | None) -> int:
    """Set the size limit of a store, and thin the store to it at once.

    Args:
        store: the store.
        most: limit in bytes; None for no limit.

    Returns:
        Number of cached features that were removed.

    Raises:
        StoreError: the classes need more than that, or the store cannot be written.
    """
    with one_blas_thread(), store.transaction():
        store.set_setting(MAX_BYTES_SETTING, None if most is None else str(most))
        before = store.images()
        if keep_within(store):
            generation = store.add_generation("limit", store.latest())
            refit(store, generation)
            store.set_report(generation, {"max_bytes": most, "thinned": before - store.images()})
        return before - store.images()
