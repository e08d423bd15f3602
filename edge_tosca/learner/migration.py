"""Take a learner along to another backbone, runtime or device: compute every feature anew and refit."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import to_cache_dtype
from edge_tosca.learner.image_locator import ImageLocator, LocatedImages
from edge_tosca.learner.refit import accuracies_before, fit_task_module, refit
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.store.state import Task
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.vision.compatibility import golden_of, nearness, origin_settings
from edge_tosca.vision.feature_extractor import FeatureExtractor

_FIRST = 3
_SAME = 0.9999
"""Golden cosine from which features computed anew would be the ones that are there."""


@dataclass(frozen=True)
class Missing:
    """A class of which pictures are not there.

    Attributes:
        label: the class.
        task: that taught it.
        missing: pictures that are not there.
        images: pictures that were learned from.
        paths: where the first of the missing were remembered to be; empty where nothing was remembered.
    """

    label: str
    task: str
    missing: int
    images: int
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Migration:
    """What one migration did.

    Attributes:
        generation: the one it made; None where nothing was changed.
        origin_before: what the store was made with.
        origin: what it is made with now, or would have been.
        images: pictures whose features were computed anew.
        missing: classes of which pictures are not there; left out where that was allowed.
        accuracy_before: mean left-out accuracy of the live classes before; None without any.
        accuracy_after: the same now.
        seconds: in all.
    """

    generation: int | None
    origin_before: str
    origin: str
    images: int
    missing: tuple[Missing, ...]
    accuracy_before: float | None
    accuracy_after: float | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Give the report as plain values."""
        return asdict(self)


def migrate(
    store: Store,
    vision: FeatureExtractor,
    folder: Path | None = None,
    *,
    without_missing: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Migration:
    """Compute all features of a store anew, and fit its modules to them.

    All of it is one transaction: until it ends other processes read the store as it was and none can write,
    and an interruption leaves it as it was. Tasks that a rollback took out are migrated too, so that it can
    still be taken back; classes keep their names and the history stays.

    Args:
        store: to be migrated.
        vision: where its features come from afterwards.
        folder: pictures that were moved or never remembered, see `ImageLocator`.
        without_missing: go on without pictures that are missing, and erase classes of which none is there.
        on_progress: called with the pictures done and their number.

    Returns:
        What was done. Its generation is None where pictures are missing, or where the features are these
        already.

    Raises:
        LearnError: a picture that is there cannot be read, or no class would be left.
        StoreError: another process is writing, or the store cannot be written.
    """
    start = time.perf_counter()
    fingerprint = vision.fingerprint
    before = dict(store.settings)
    settings = {
        **origin_settings(fingerprint),
        "bundle": "" if vision.bundle_path is None else str(vision.bundle_path.absolute()),
        "runtime": vision.backend.name,
        "device": vision.backend.device,
        "feature_dim": str(vision.bundle.feature_dim),
    }

    def told(
        generation: int | None,
        images: int,
        missing: list[Missing],
        right_before: float | None = None,
        right_after: float | None = None,
    ) -> Migration:
        return Migration(
            generation,
            before["origin"],
            str(fingerprint),
            images,
            tuple(missing),
            right_before,
            right_after,
            time.perf_counter() - start,
        )

    if _is_same(before, settings, fingerprint.golden):
        return told(None, 0, [])
    with one_blas_thread(), store.transaction():
        tasks = store.tasks_ever()
        found, missing = _look(store, tasks, ImageLocator(folder))
        images = sum(len(item.paths) for item in found.values())
        if missing and not without_missing:
            return told(None, 0, missing)
        if tasks and not images:
            raise LearnError(
                f"{store.path}: none of its pictures is there, so nothing would be left; nothing was "
                "changed; init a new store and teach it again"
            )
        state = store.state()
        right = _mean(accuracies_before(store, state))
        generation = store.add_generation("migrate", state.generation)
        for key, value in settings.items():
            store.set_setting(key, value)
        done = count(1)
        tell = None if on_progress is None else lambda _: on_progress(next(done), images)
        for task in tasks:
            _take_along(store, task, found, vision, tell)
        after = refit(store, generation)
        by_class = accuracy_by_class(after.state, after.held_out) if after.state.tasks else {}
        report = told(generation, images, missing, right, _mean(by_class))
        store.set_report(generation, {**report.to_json(), BY_CLASS: by_class})
    # Classes may have been erased.
    follow_store(store)
    return report


def _is_same(settings: Mapping[str, str], new: Mapping[str, str], golden: Array | None) -> bool:
    if settings["fingerprint"] != new["fingerprint"]:
        return False
    # A store that remembers no golden features was made before there were any: its digest has to do.
    kept = golden_of(settings)
    return golden is None or kept is None or nearness(kept, golden) >= _SAME


def _look(
    store: Store, tasks: Sequence[Task], whereabouts: ImageLocator
) -> tuple[dict[int, LocatedImages], list[Missing]]:
    teachers = Counter(group.label for task in tasks for group in task.groups)
    found, missing = {}, []
    for task in tasks:
        for group in task.groups:
            files = store.pictures.of(group.features)
            here = whereabouts.find(task, group, files, alone=teachers[group.label] == 1)
            found[group.id] = here
            if here.missing:
                lost = tuple(str(path) for path in here.lost[:_FIRST])
                missing.append(Missing(group.label, task.name, here.missing, group.images, lost))
    return found, missing


def _take_along(
    store: Store,
    task: Task,
    found: Mapping[int, LocatedImages],
    vision: FeatureExtractor,
    tell: Callable[[int], None] | None,
) -> None:
    here = [group for group in task.groups if found[group.id].paths]
    features = [_features(found[group.id].paths, vision, tell) for group in here]
    digest = None
    if here:
        module, cosines = fit_task_module(store, features, store.state(), task.id)
        data = module.to_bytes()
        digest = sha256(data)
        store.add_module(digest, data, cosines)
    for group, rows in zip(here, features, strict=True):
        store.put_features(group, to_cache_dtype(rows))
        files = found[group.id].remembered
        if files is not None:
            store.pictures.put(group.features, files)
    store.erase(task.id, [group.id for group in task.groups if group not in here], digest)


def _features(paths: Sequence[Path], vision: FeatureExtractor, tell: Callable[[int], None] | None) -> Array:
    rows = []
    for path, picture in zip(paths, vision.extract(paths, tell), strict=True):
        if picture.features is None:
            raise LearnError(f"{path}: {picture.error}; nothing was changed; mend it or take it away")
        rows.append(picture.features)
    return np.stack(rows)


def _mean(shares: Mapping[str, float]) -> float | None:
    return float(np.mean(list(shares.values()))) if shares else None
