"""Keep a store within its size, by thinning the cached features of the classes that have the most."""

from typing import Any

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.statistics import few
from edge_tosca.errors import StoreError
from edge_tosca.features.exemplars import Rule, herding
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.refit import refit
from edge_tosca.store.schema import MAX_BYTES_SETTING
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread

LEAST = 6
"""Features of a class that are always kept: two for each of the blocks that the router is judged on."""

_ROOM = 0.97
_REPORT_BYTES = 32_768
"""Left free of the limit: pages that are not full to the last byte, and what is written after thinning, such
as the lesson's report, its seal and the router's calibration."""

_ROUTER_BYTES = 10
"""A class's share of the router for each dimension: two rows of float32 and one of int16."""


def keep_within(store: Store) -> dict[int, Array]:
    """Thin a store that would grow beyond its limit; inside a transaction, before the router is solved.

    Args:
        store: with or without a limit.

    Returns:
        What is left of the groups that were thinned, see `thin`.

    Raises:
        StoreError: it does not fit even with LEAST features a class.
    """
    left: dict[int, Array] = {}
    # Pages are given back as a whole, so that what a round gives back is not known before.
    while (over := _over(store)) > 0:
        for features, places in thin(store, _most(store, over)).items():
            left[features] = left[features][places] if features in left else places
    return left


def _over(store: Store) -> float:
    limit = store.settings.get(MAX_BYTES_SETTING)
    if limit is None:
        return 0.0
    return store.used() + _coming(store) + _REPORT_BYTES - _ROOM * int(limit)


def _most(store: Store, over: float) -> int:
    """Find how many features of a class to keep, for so many bytes to be given back."""
    counts = np.array([group.images for task in store.tasks_ever() for group in task.groups])
    width = 2 * int(store.settings["feature_dim"])
    for most in range(int(counts.max(initial=LEAST)) - 1, LEAST - 1, -1):
        if np.maximum(counts - most, 0).sum() * width >= over:
            return most
    raise StoreError(
        f"{store.path}: {store.settings[MAX_BYTES_SETTING]} bytes are too few for its {len(counts)} classes, "
        f"even with {LEAST} cached features each; nothing was changed; forget a class, or allow more with: "
        f"edge-tosca store limit {store.path} BYTES"
    )


def thin(store: Store, most: int, rule: Rule = herding) -> dict[int, Array]:
    """Keep only so many cached features of each class; inside a transaction.

    Modules stay byte for byte. What is thinned out is for all else as if it had never been taught: sums are
    of the features that are there, so that a class can still be taken out of them exactly.

    Args:
        store: to be thinned, with the tasks that a rollback took out.
        most: features of a class.
        rule: which to keep.

    Returns:
        Row of features to the places among them that were kept, int [most], of each group that was thinned.
    """
    left: dict[int, Array] = {}
    modules = set()
    for task in store.tasks_ever():
        kept, start = [], 0
        for group in task.groups:
            places = np.arange(group.images)
            if group.images > most:
                rows = store.features(group)
                places = left[group.features] = rule(normalize(rows), most)
                store.put_features(group, rows[places])
                _thin_files(store, group.features, places)
            kept.append(start + places)
            start += group.images
        if task.module not in modules and sum(map(len, kept)) < start:
            evidence = store.evidence(task.module)
            # Tasks that were taught the very same pictures share a module, and may have been thinned before.
            if len(evidence) == start:
                store.put_evidence(task.module, evidence[np.concatenate(kept)])
                modules.add(task.module)
    return left


def _thin_files(store: Store, features: int, places: Array) -> None:
    files = store.pictures.of(features)
    if files:
        order = enumerate(places.tolist())
        store.pictures.put(features, {at: files[old] for at, old in order if old in files})


def _coming(store: Store) -> int:
    """Bytes by which what is derived from the features will grow when the router is solved."""

    def kept(table: str) -> int:
        rows: list[tuple[Any, ...]] = store.query(f"SELECT coalesce(sum(length(data)), 0) FROM {table}")
        return int(rows[0][0])

    groups = store.state().groups
    d = int(store.settings["feature_dim"])
    sums = 0 if few(sum(group.images for group in groups), d) else 4 * d * (len(groups) + d + 1)
    return _ROUTER_BYTES * d * len(groups) + sums - kept("routers") - kept("statistics")


def limit_size(store: Store, most: int | None) -> int:
    """Give a store a limit of its size, and keep it at once.

    Args:
        store: any store.
        most: bytes; None for no limit.

    Returns:
        Cached features that gave way.

    Raises:
        StoreError: the classes need more than that.
    """
    with one_blas_thread(), store.transaction():
        store.set_setting(MAX_BYTES_SETTING, None if most is None else str(most))
        before = store.images()
        if keep_within(store):
            generation = store.add_generation("limit", store.latest())
            refit(store, generation)
            store.set_report(generation, {"max_bytes": most, "thinned": before - store.images()})
        return before - store.images()
