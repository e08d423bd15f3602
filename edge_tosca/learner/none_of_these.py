"""Learn and forget pictures that show none of the classes; see `edge_tosca.classifier.ood.none_of_these`."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import to_cache_dtype
from edge_tosca.labels import NONE_LABEL
from edge_tosca.learner.lesson import LessonClass
from edge_tosca.learner.refit import Refit, refit
from edge_tosca.learner.storage_limit import keep_within
from edge_tosca.learner.task_training import train_task_module
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.quality.held_out_outcomes import OUTCOMES_BY_CLASS, Counts, in_all, outcomes_by_class
from edge_tosca.results import NoneReport, Skipped
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread

TASK = "none"
"""Name of the task that each lesson is filed as."""

HARMED_SHARE = 0.1
"""Share of a class that none pictures may make unknown without a warning."""

SIGMAS = 2.33
"""Standard deviations by which a count must exceed that share: chance does so once in a hundred."""


def learn_none(
    store: Store,
    lesson: LessonClass,
    skipped: Sequence[Skipped] = (),
    feature_seconds: float = 0.0,
    provenance: Mapping[str, str] | None = None,
    *,
    dry_run: bool = False,
) -> NoneReport:
    """Learn pictures that show none of the classes, as one new generation.

    They are filed as a task of their own, with a module that no answer uses, so that history, rollback,
    encryption and migration treat them as they treat a class.

    Args:
        store: the store.
        lesson: the pictures.
        skipped: pictures that could not be read, for the report.
        feature_seconds: spent on the features, for the report.
        provenance: entries of the audit log that differ from the store's settings.
        dry_run: keep nothing.

    Returns:
        The report.

    Raises:
        LearnError: there is no picture.
        StoreError: the store cannot be written.
    """
    if not len(lesson.features):
        raise LearnError("there is no readable picture; name a folder of pictures")
    start = time.perf_counter()
    rows = to_cache_dtype(lesson.features)
    with one_blas_thread(), store.transaction() as change:
        before = store.state()
        module, cosines = train_task_module([rows])
        data = module.to_bytes()
        generation = store.add_generation("learn", before.generation)
        store.add_module(sha256(data), data, cosines)
        store.add_task(TASK, sha256(data), {NONE_LABEL: rows}, generation, {NONE_LABEL: lesson.digest})
        store.audit_log.set_provenance(dict(provenance or {}))
        if lesson.sources:
            store.pictures.put(store.state(generation).none_groups[-1].features, lesson.sources)
        thinned = keep_within(store)
        # The groups are those of before, so that all sums stay.
        after = refit(store, generation, None if thinned else store.derived("statistics", before.generation))
        without, counts = _outcomes(after)
        done = time.perf_counter()
        report = NoneReport(
            generation=generation,
            none=sum(group.images for group in after.state.none_groups),
            images=len(rows),
            skipped=tuple(skipped),
            seconds={
                "features": feature_seconds,
                "commit": done - start,
                "total": feature_seconds + done - start,
            },
            outcomes_before=in_all(without),
            outcomes_after=in_all(counts),
            warnings=_warnings(without, counts),
            dry_run=dry_run,
        )
        if dry_run:
            change.discard()
            return replace(report, generation=None)
        kept = {"classes": [], BY_CLASS: accuracy_by_class(after.state, after.held_out)}
        store.set_report(generation, {**report.to_json(), **kept, OUTCOMES_BY_CLASS: counts})
    return report


def _outcomes(after: Refit) -> tuple[Counts, Counts]:
    """Count the outcomes of held-out pictures without and with the none pictures."""
    held_out: HeldOut = after.held_out
    if not after.state.tasks:
        return {}, {}
    counts = outcomes_by_class(after.state, held_out, after.unknown)
    return outcomes_by_class(after.state, held_out, after.refused), counts


def _warnings(without: Counts, counts: Counts) -> tuple[str, ...]:
    """Name the classes of which none pictures make more unknown than HARMED_SHARE."""
    found = []
    for label, (*named, unknown) in counts.items():
        images, more = sum(named) + unknown, unknown - without[label][2]
        chance = SIGMAS * math.sqrt(images * HARMED_SHARE * (1 - HARMED_SHARE))
        if more > images * HARMED_SHARE + chance:
            found.append(
                f"{more} of {images} held-out pictures of {label!r} are unknown now; if pictures of it are "
                "among those of none, forget these with: edge-tosca forget STORE --none"
            )
    return tuple(found)
