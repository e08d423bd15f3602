"""Leave out of a lesson the pictures that are taught under the same name already."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from edge_tosca.digests import row_digests
from edge_tosca.features.normalization import to_cache_dtype
from edge_tosca.learner.lesson import LessonClass
from edge_tosca.learner.picture_features import ExtractedLesson
from edge_tosca.results import TAUGHT_ALREADY, GateReport, LearnReport, ModuleReport, Skipped
from edge_tosca.store.store import Store

_Value = TypeVar("_Value")

_NO_MODULE = ModuleReport("", 0, 0, 0, cross_fitted=False)
_NO_GATE = GateReport("accept", None, None, None, (), (), (), ())


def without_taught(store: Store, lesson: ExtractedLesson, *, whole: bool) -> ExtractedLesson:
    """Leave out pictures that the live classes of the same names have.

    A picture counts as taught if a cached feature of its class is the same bit for bit, or if the store has
    the digest of its file (`learn --remember`), which another processor or runtime does not change.

    Args:
        store: the store.
        lesson: with the features of its pictures.
        whole: the pictures are learned whole: the digest of a file says nothing of a part of it.

    Returns:
        The lesson without them and without classes of which nothing is left; they are listed as skipped.
    """
    classes: dict[str, LessonClass] = {}
    skipped = list(lesson.skipped)
    for label, taught in lesson.classes.items():
        known = _known(store, label)
        if not known:
            classes[label] = taught
            continue
        rows = row_digests(to_cache_dtype(taught.features))
        files = taught.digests if whole and taught.digests else [None] * len(rows)
        new = [
            place for place, digests in enumerate(zip(rows, files, strict=True)) if known.isdisjoint(digests)
        ]
        skipped += [
            Skipped(name, TAUGHT_ALREADY) for place, name in enumerate(taught.names) if place not in set(new)
        ]
        if new:
            classes[label] = taught if len(new) == len(rows) else _only(taught, new)
    return ExtractedLesson(classes, skipped, lesson.notes)


def nothing_new(
    store: Store, task: str | None, lesson: ExtractedLesson, start: float, dry_run: bool
) -> LearnReport:
    """Report a lesson of nothing but pictures that are taught already; the store stays as it is.

    Args:
        store: the store.
        task: name that the task was to have; None for the next free one.
        lesson: without any class.
        start: of the lesson, in seconds of `time.perf_counter`.
        dry_run: nothing was to be kept.

    Returns:
        The report, with the live generation, no class and no module; None for the generation of a dry run.
    """
    seconds = time.perf_counter() - start
    return LearnReport(
        generation=None if dry_run else store.latest(),
        task=task or "",
        classes=(),
        images=0,
        skipped=tuple(lesson.skipped),
        seconds={"features": seconds, "train": 0.0, "commit": 0.0, "total": seconds},
        module=_NO_MODULE,
        gate=_NO_GATE,
        notes=tuple(lesson.notes),
        dry_run=dry_run,
    )


def _known(store: Store, label: str) -> set[str | None]:
    """Collect the digests of the features and of the files of a live class."""
    found: set[str | None] = set()
    with store.snapshot():
        for group in store.state().groups:
            if group.label == label:
                found.update(row_digests(store.features(group)))
                found.update(source.sha256 for source in store.pictures.of(group.features).values())
    return found


def _only(taught: LessonClass, places: list[int]) -> LessonClass:
    return replace(
        taught,
        features=taught.features[places],
        names=[taught.names[place] for place in places],
        digests=[taught.digests[place] for place in places] if taught.digests else (),
        sources=_kept(taught.sources, places),
        areas=_kept(taught.areas, places),
    )


def _kept(values: Mapping[int, _Value], places: list[int]) -> dict[int, _Value]:
    return {new: values[old] for new, old in enumerate(places) if old in values}
