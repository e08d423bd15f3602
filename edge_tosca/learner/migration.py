"""Migrate a store to another backbone, runtime or device: recompute its features, modules and router."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.arrays import Array, mean_or_none
from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import to_cache_dtype
from edge_tosca.learner.image_locator import ImageLocator, LocatedImages
from edge_tosca.learner.refit import accuracies_before, fit_task_module, refit
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.quality.held_out_outcomes import OUTCOMES_BY_CLASS, outcomes_by_class
from edge_tosca.store.state import Task
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.vision.compatibility import feature_settings, golden_of, nearness, origin_settings
from edge_tosca.vision.feature_extractor import FeatureExtractor

_PATHS_NAMED = 3
_SAME = 0.9999
"""Cosine of golden features from which recomputed features would be the stored ones."""


@dataclass(frozen=True)
class Missing:
    """A class of a task whose pictures are missing, all or some.

    Attributes:
        label: the class.
        task: name of the task.
        missing: number of missing pictures.
        images: number of pictures that it was learned from.
        paths: stored paths of the first missing ones; empty if none were stored.
    """

    label: str
    task: str
    missing: int
    images: int
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Migration:
    """Report of one migration.

    Attributes:
        generation: the new one; None if nothing was changed.
        origin_before: backbone, runtime and device of the features before.
        origin: the same of the features after, or as it would have been.
        images: pictures whose features were recomputed.
        missing: classes with missing pictures; the migration went on without these if that was allowed.
        accuracy_before: mean held-out accuracy of the live classes before; None if there is none.
        accuracy_after: the same after.
        seconds: time spent.
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
        """Return the report as plain values."""
        return asdict(self)


def migrate(
    store: Store,
    vision: FeatureExtractor,
    folder: Path | None = None,
    *,
    without_missing: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Migration:
    """Recompute all features of a store, train its modules on them and solve its router.

    This is one transaction: until it ends, other processes read the store as it was and cannot write, and an
    interruption leaves it as it was. Tasks that a rollback took out are migrated too, so that the rollback
    can be undone. Classes keep their names, and the history stays.

    Args:
        store: the store.
        vision: the backbone of the new features.
        folder: with pictures that were moved or whose paths were never stored, see `ImageLocator`.
        without_missing: go on without missing pictures, and erase classes of which none was found.
        on_progress: called with the number of pictures done and of all pictures.

    Returns:
        The report. Its generation is None if pictures are missing, or if the store has these features
        already.

    Raises:
        LearnError: a picture that was found cannot be read, the folder is none, or no class would be left.
        StoreError: another process is writing, or the store cannot be written.
    """
    start = time.perf_counter()
    store.require_writable()
    if folder is not None and not folder.is_dir():
        raise LearnError(f"{folder} is no folder; name the folder of the pictures with --pictures")
    fingerprint = vision.fingerprint
    before = dict(store.settings)
    settings: dict[str, str | None] = {
        **origin_settings(fingerprint),
        "bundle": "" if vision.bundle_path is None else str(vision.bundle_path.absolute()),
        "runtime": vision.backend.name,
        "device": vision.backend.device,
        **feature_settings(vision.bundle.widths),
    }

    def report_of(
        generation: int | None,
        images: int,
        missing: list[Missing],
        accuracy_before: float | None = None,
        accuracy_after: float | None = None,
    ) -> Migration:
        return Migration(
            generation,
            before["origin"],
            str(fingerprint),
            images,
            tuple(missing),
            accuracy_before,
            accuracy_after,
            time.perf_counter() - start,
        )

    if _is_same(before, settings, fingerprint.golden):
        return report_of(None, 0, [])
    with one_blas_thread(), store.transaction():
        tasks = store.tasks_ever()
        found, missing = _locate(store, tasks, ImageLocator(folder))
        images = sum(len(item.paths) for item in found.values())
        if missing and not without_missing:
            return report_of(None, 0, missing)
        if tasks and not images:
            raise LearnError(
                f"{store.path}: none of its pictures was found, so that no class would be left; nothing was "
                "changed; init a new store and teach it again"
            )
        state = store.state()
        accuracy = mean_or_none(list(accuracies_before(store, state).values()))
        generation = store.add_generation("migrate", state.generation)
        for key, value in settings.items():
            store.set_setting(key, value)
        store.bundle_folder = vision.bundle_path
        done = count(1)
        on_done = None if on_progress is None else lambda _: on_progress(next(done), images)
        for task in tasks:
            _migrate_task(store, task, found, vision, on_done)
        after = refit(store, generation)
        by_class = accuracy_by_class(after.state, after.held_out) if after.state.tasks else {}
        report = report_of(generation, images, missing, accuracy, mean_or_none(list(by_class.values())))
        outcomes = outcomes_by_class(after.state, after.held_out, after.unknown)
        store.set_report(generation, {**report.to_json(), BY_CLASS: by_class, OUTCOMES_BY_CLASS: outcomes})
    # Classes may have been erased.
    follow_store(store)
    return report


def _is_same(settings: Mapping[str, str], new: Mapping[str, str | None], golden: Array | None) -> bool:
    if settings["fingerprint"] != new["fingerprint"]:
        return False
    # A store without golden features was made before there were any: its digest has to do.
    kept = golden_of(settings)
    return golden is None or kept is None or nearness(kept, golden) >= _SAME


def _locate(
    store: Store, tasks: Sequence[Task], locator: ImageLocator
) -> tuple[dict[int, LocatedImages], list[Missing]]:
    """Locate the pictures of every class, by its row, and list the classes with missing ones."""
    tasks_with = Counter(group.label for task in tasks for group in task.groups)
    found, missing = {}, []
    for task in tasks:
        for group in task.groups:
            files = store.pictures.of(group.features)
            images = locator.find(task, group, files, alone=tasks_with[group.label] == 1)
            found[group.id] = images
            if images.missing:
                paths = tuple(str(path) for path in images.lost[:_PATHS_NAMED])
                missing.append(Missing(group.label.strip(), task.name, images.missing, group.images, paths))
    return found, missing


def _migrate_task(
    store: Store,
    task: Task,
    found: Mapping[int, LocatedImages],
    vision: FeatureExtractor,
    on_done: Callable[[int], None] | None,
) -> None:
    kept = [group for group in task.groups if found[group.id].paths]
    features = [_features(found[group.id].paths, vision, on_done) for group in kept]
    digest = None
    if kept:
        module, cosines = fit_task_module(store, features, store.state(), task.id)
        data = module.to_bytes()
        digest = sha256(data)
        store.add_module(digest, data, cosines)
    for group, rows in zip(kept, features, strict=True):
        store.put_features(group, to_cache_dtype(rows))
        files = found[group.id].remembered
        if files is not None:
            store.pictures.put(group.features, files)
    store.erase(task.id, [group.id for group in task.groups if group not in kept], digest)


def _features(
    paths: Sequence[Path], vision: FeatureExtractor, on_done: Callable[[int], None] | None
) -> Array:
    rows = []
    for path, picture in zip(paths, vision.extract(paths, on_done), strict=True):
        if picture.features is None:
            raise LearnError(f"{path}: {picture.error}; nothing was changed; repair the file or remove it")
        rows.append(picture.features)
    return np.stack(rows)
