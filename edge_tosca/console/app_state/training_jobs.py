"""Teach the pictures of the training queue, one job at a time.

A job runs in a thread of lower priority. Measured beside a live loop at 15 frames a second on two shared
cores, the 99th percentile of an answer was 137 ms while a thread taught 60 pictures, and 136 ms with a
process in its place (300 pictures: 191 to 221 and 168 ms); a process would gain next to nothing, and cost the
memory of a second interpreter. Features are computed when pictures are queued: a job only trains.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.console.app_state.broadcast import Broadcast
from edge_tosca.console.app_state.fair_thread import lower_priority
from edge_tosca.console.app_state.training_queue import QueuedImage
from edge_tosca.console.http.errors import ApiError, without_paths
from edge_tosca.console.http.requester import requester
from edge_tosca.errors import EdgeToscaError, LearnError
from edge_tosca.features.sampling import evenly
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.learner.none_of_these import learn_none
from edge_tosca.quality.border import PICTURES
from edge_tosca.results import LearnReport, NoneReport
from edge_tosca.store.audit.erasures import ClassId
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import Owner
from edge_tosca.system.malloc import trim_heap

NONE = "none"
"""Stands in the queue and the jobs for pictures of none of the classes; reserved, so that no class has it."""

MOST_KEPT = 8
"""Jobs whose report can still be read; only the last one keeps its pictures."""

NICENESS = 10

_PICTURES_SHOWN = 4

_log = logging.getLogger("edge_tosca.console")


@dataclass(frozen=True)
class ConfusionImages:
    """Two classes that were confused, with pictures of both.

    Attributes:
        truth: the true class.
        answer: the predicted class.
        count: number of confused pictures.
        pictures: ids of pictures of the true class, the most similar to the predicted class first.
        answer_pictures: ids of pictures of the predicted class, likewise.
    """

    truth: str
    answer: str
    count: int
    pictures: tuple[str, ...]
    answer_pictures: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """Progress of a job.

    Attributes:
        id: a random token.
        state: "running", "done", "rejected" by the gate, or "failed".
        stage: "training", "judging" or "finished".
        done: number of finished stages.
        total: number of stages.
        seconds: from the start of the job to this value.
        report: of the learner, None before there is one.
        error: the reason of a failure, in one sentence.
        confusions: the most frequent ones, with pictures.
        pictures: label to ids of the pictures that are taught.
        alone: no other class is known with which it could be confused.
    """

    id: str
    state: Literal["running", "done", "rejected", "failed"] = "running"
    stage: str = "training"
    done: int = 0
    total: int = 2
    seconds: float = 0.0
    report: dict[str, Any] | None = None
    error: str | None = None
    confusions: tuple[ConfusionImages, ...] = ()
    pictures: dict[str, list[str]] = field(default_factory=dict)
    alone: bool = False


@dataclass(frozen=True)
class Taught:
    """The classes that a lesson made, whatever they are called later.

    Attributes:
        identity: of the store, see `edge_tosca.store.thumbnail_owner.Owner`.
        classes: label in the lesson to the class.
    """

    identity: str
    classes: Mapping[str, ClassId]


@dataclass(eq=False)
class Job:
    """One lesson under way or over.

    Attributes:
        pictures: label to the pictures that are taught.
        task: name of the task, None for the next number.
        force: keep the lesson even if the gate rejects it.
        by: name and role of the user who began it, for the store's audit log.
        id: a random token.
        progress: published at every change.
        taught: None until the lesson is learned.
    """

    pictures: Mapping[str, Sequence[QueuedImage]]
    task: str | None
    force: bool
    by: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    progress: Broadcast[Progress] = field(default_factory=Broadcast)
    taught: Taught | None = None

    @property
    def now(self) -> Progress:
        """The newest progress."""
        return self.progress.newest()[1] or Progress(self.id)


class Jobs:
    """Runs one job at a time in a thread of its own."""

    def __init__(
        self,
        store: Path,
        provenance: Callable[[], Mapping[str, str]],
        on_learned: Callable[[Job, LearnReport | NoneReport, Store], None],
        thumbnails_of: Callable[[Store, str], Sequence[str]],
        key_file: Path | None = None,
        areas_of: Callable[[bytes], Array | None] = lambda _: None,
    ) -> None:
        """Create the runner; `start` begins a job.

        Args:
            store: file of the learner.
            provenance: backbone and runtime that computed the features, for the store's audit log.
            on_learned: called after a lesson that was kept, in the job's thread.
            thumbnails_of: returns the ids of the stored thumbnails of a class that was known before.
            key_file: key of an encrypted store; None for the places that `find_key` looks at.
            areas_of: returns the sums of a JPEG's last map by area, float32 [3, c], or None; called in the
                job's thread.
        """
        self._store, self._provenance, self._on_learned = store, provenance, on_learned
        self._thumbnails_of, self._key_file = thumbnails_of, key_file
        self._areas_of = areas_of
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._newest: Job | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a job is under way, by its published progress: a reader of its end can begin the next."""
        return self._newest is not None and self._newest.now.state == "running"

    def find(self, key: str) -> Job | None:
        """Return a job by its id; None if there is none."""
        with self._lock:
            return self._jobs.get(key)

    def picture(self, key: str) -> bytes | None:
        """Return a picture of the last job by its id, as a JPEG; None if there is none."""
        with self._lock:
            every = (one for job in self._jobs.values() for some in job.pictures.values() for one in some)
            return next((one.image.jpeg for one in every if one.id == key), None)

    def start(self, pictures: Mapping[str, Sequence[QueuedImage]], task: str | None, force: bool) -> Job:
        """Start a job.

        Args:
            pictures: label to the pictures to teach.
            task: name of the task, None for the next number.
            force: keep the lesson even if the gate rejects it.

        Returns:
            The job.

        Raises:
            ApiError: another job is under way.
        """
        with self._lock:
            if self.running:
                raise ApiError(409, "the last lesson is still being learned; wait until it is done")
            job = Job(pictures, task, force, requester().provenance)
            shown = {label: [one.id for one in some] for label, some in pictures.items()}
            job.progress.publish(Progress(job.id, pictures=shown))
            self._jobs[job.id] = self._newest = job
            while len(self._jobs) > MOST_KEPT:
                del self._jobs[next(iter(self._jobs))]
            for earlier in list(self._jobs.values())[:-1]:
                earlier.pictures = {}
            self._thread = threading.Thread(target=self._train, args=(job,), name="training", daemon=True)
            self._thread.start()
            return job

    def drop_pictures(self, labels: Sequence[str] | None = None) -> None:
        """Drop the jobs' pictures, of all classes or of some labels."""
        with self._lock:
            for job in self._jobs.values():
                job.pictures = {
                    label: some
                    for label, some in job.pictures.items()
                    if labels is not None and label not in labels
                }

    def drop_erased(self, owner: Owner) -> None:
        """Drop the jobs' pictures of classes that a store erased, under whatever name.

        Args:
            owner: the store.
        """
        with self._lock:
            for job in self._jobs.values():
                if job.taught is not None and job.taught.identity == owner.identity:
                    classes = job.taught.classes
                    job.pictures = {
                        label: some
                        for label, some in job.pictures.items()
                        if classes.get(label) not in owner.erased
                    }

    def close(self, seconds: float | None = None) -> bool:
        """Wait for the job that is under way: a lesson is one transaction, and is finished or not begun.

        Args:
            seconds: to wait; None for any time.

        Returns:
            Whether it is over.
        """
        if self._thread is None:
            return True
        self._thread.join(seconds)
        if not self._thread.is_alive():
            return True
        _log.warning("the console ends before a lesson is finished; nothing of it was stored")
        return False

    def _train(self, job: Job) -> None:
        lower_priority(NICENESS)
        began = time.monotonic()
        progress = job.now

        def enter(stage: str) -> None:
            job.progress.publish(replace(progress, stage=stage, done=1, seconds=time.monotonic() - began))

        try:
            with closing(Store.open(self._store, self._key_file)) as store:
                report = self._learn(store, job, enter)
                progress = replace(progress, report=report.to_json())
                if isinstance(report, LearnReport):
                    confusions = self._confusions(store, job, report)
                    alone = report.alone(store.state().labels)
                    progress = replace(progress, confusions=confusions, alone=alone)
                progress = replace(progress, state="rejected" if report.generation is None else "done")
                if report.generation is not None:
                    self._on_learned(job, report, store)
        except EdgeToscaError as error:
            progress = replace(progress, state="failed", error=without_paths(str(error), self._store))
        except Exception:
            _log.exception("a lesson failed by a fault of edge-tosca itself")
            sentence = "a fault of edge-tosca itself; its log says more"
            progress = replace(progress, state="failed", error=sentence)
        finally:
            trim_heap()
            seconds = time.monotonic() - began
            _log.info("lesson", extra={"state": progress.state, "seconds": round(seconds, 2)})
            # Last of all: a reader of this may begin the next change at once.
            job.progress.publish(replace(progress, stage="finished", done=progress.total, seconds=seconds))

    def _learn(self, store: Store, job: Job, on_stage: Callable[[str], None]) -> LearnReport | NoneReport:
        features = {
            label: np.stack([one.image.feature for one in some]) for label, some in job.pictures.items()
        }
        width = int(store.settings["feature_dim"])
        if any(rows.shape[1] != width for rows in features.values()):
            raise LearnError("these pictures belong to another backbone; remove them and capture new ones")
        classes = {
            label: LessonClass(
                features[label],
                [one.id for one in some],
                [one.image.sha256 for one in some],
                # A lesson of one class has no other border to compare with.
                areas=self._areas(some) if len(features) > 1 else {},
            )
            for label, some in job.pictures.items()
        }
        if NONE in classes:
            return learn_none(store, classes[NONE], provenance={**self._provenance(), **job.by})
        lesson = Lesson(classes, job.task, provenance={**self._provenance(), **job.by})
        return learn_task(store, lesson, force=job.force, on_stage=on_stage)

    def _areas(self, pictures: Sequence[QueuedImage]) -> dict[int, Array]:
        """Sum up the maps of a few pictures, from their small copies: the live loop computes no maps."""
        chosen = evenly(len(pictures), PICTURES).tolist()
        found = {place: self._areas_of(pictures[place].image.jpeg) for place in chosen}
        return {place: areas for place, areas in found.items() if areas is not None}

    def _confusions(self, store: Store, job: Job, report: LearnReport) -> tuple[ConfusionImages, ...]:
        return tuple(
            ConfusionImages(
                one.truth,
                one.answer,
                one.count,
                self._pictures_of(store, job, one.truth, one.answer),
                self._pictures_of(store, job, one.answer, one.truth),
            )
            for one in report.gate.confusions
        )

    def _pictures_of(self, store: Store, job: Job, label: str, like: str) -> tuple[str, ...]:
        """Choose pictures of a class, the most similar to another class of the lesson first."""
        if label not in job.pictures:
            return tuple(self._thumbnails_of(store, label))[:_PICTURES_SHOWN]
        mine = list(job.pictures[label])
        if like in job.pictures:
            mean = np.mean([one.image.normalized for one in job.pictures[like]], axis=0)
            mine.sort(key=lambda one: -float(one.image.normalized @ mean))
        return tuple(one.id for one in mine[:_PICTURES_SHOWN])
