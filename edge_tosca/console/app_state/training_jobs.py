"""Teaching what waits in the queue, one job at a time.

A job runs in a thread of lower priority. Measured beside a live loop at 15 frames a second on two cores that
others used as well, the 99th percentile of an answer was 137 ms while 60 pictures were taught in a thread
and 136 ms in a process of its own (300 pictures: 191 to 221 and 168); so a process would gain next to
nothing, for the memory of a second interpreter. The features were computed when the pictures came: a job only
trains.
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

from edge_tosca.console.app_state.broadcast import Broadcast
from edge_tosca.console.app_state.learner_thread import lower_priority
from edge_tosca.console.app_state.training_queue import QueuedImage
from edge_tosca.console.http.errors import ApiError, without_paths
from edge_tosca.errors import EdgeToscaError, LearnError
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.results import LearnReport
from edge_tosca.store.store import Store
from edge_tosca.system.malloc import give_back_freed

MOST_KEPT = 8
"""Jobs whose report can still be read. Pictures are kept of the last one only."""

NICENESS = 10

_PICTURES_SHOWN = 4

_log = logging.getLogger("edge_tosca.console")


@dataclass(frozen=True)
class ConfusionImages:
    """Two classes that were confused.

    Attributes:
        truth: the class that was shown.
        answer: the one that it was taken for.
        count: how often.
        pictures: ids of pictures of the truth, those first that look most like the answer.
        answer_pictures: ids of pictures of the answer.
    """

    truth: str
    answer: str
    count: int
    pictures: tuple[str, ...]
    answer_pictures: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """Where a job is.

    Attributes:
        id: a random token.
        state: "running", "done", "rejected" by the gate, or "failed".
        stage: "training", "judging" or "finished".
        done: stages that are over.
        total: of them.
        seconds: since it began, when this was told.
        report: of the learner, None before there is one.
        error: why it failed, in one sentence.
        confusions: the worst, with pictures.
        pictures: ids of what is taught, by label.
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


@dataclass(eq=False)
class Job:
    """One lesson under way or over.

    Attributes:
        pictures: label to what is taught.
        task: its name, None for the next number.
        force: keep it whatever the gate says.
        id: a random token.
        progress: where it is.
    """

    pictures: Mapping[str, Sequence[QueuedImage]]
    task: str | None
    force: bool
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    progress: Broadcast[Progress] = field(default_factory=Broadcast)

    @property
    def now(self) -> Progress:
        """Where it is."""
        return self.progress.newest()[1] or Progress(self.id)


class Jobs:
    """Runs one job at a time in a thread of its own."""

    def __init__(
        self,
        store: Path,
        seen_with: Callable[[], Mapping[str, str]],
        on_taught: Callable[[Job, LearnReport, Store], None],
        kept: Callable[[Store, str], Sequence[str]],
    ) -> None:
        """Run nothing yet.

        Args:
            store: of the learner.
            seen_with: what the features were computed with, for the store's seal.
            on_taught: told of a lesson that was kept, in the job's thread.
            kept: ids of kept pictures of a class that was known before.
        """
        self._store, self._seen_with, self._on_taught, self._kept = store, seen_with, on_taught, kept
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._newest: Job | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a job is under way: what its progress tells, so that who reads of its end can go on."""
        return self._newest is not None and self._newest.now.state == "running"

    def find(self, key: str) -> Job | None:
        """Find a job by its id."""
        with self._lock:
            return self._jobs.get(key)

    def picture(self, key: str) -> bytes | None:
        """Find a picture of the last job by its id, as a JPEG."""
        with self._lock:
            every = (one for job in self._jobs.values() for some in job.pictures.values() for one in some)
            return next((one.seen.jpeg for one in every if one.id == key), None)

    def start(self, pictures: Mapping[str, Sequence[QueuedImage]], task: str | None, force: bool) -> Job:
        """Begin to teach.

        Args:
            pictures: label to what is taught.
            task: its name.
            force: keep it whatever the gate says.

        Returns:
            The job.

        Raises:
            Complaint: another one is under way.
        """
        with self._lock:
            if self.running:
                raise ApiError(409, "the last lesson is still being learned; wait until it is done")
            job = Job(pictures, task, force)
            shown = {label: [one.id for one in some] for label, some in pictures.items()}
            job.progress.tell(Progress(job.id, pictures=shown))
            self._jobs[job.id] = self._newest = job
            while len(self._jobs) > MOST_KEPT:
                del self._jobs[next(iter(self._jobs))]
            for earlier in list(self._jobs.values())[:-1]:
                earlier.pictures = {}
            self._thread = threading.Thread(target=self._teach, args=(job,), name="teaching")
            self._thread.start()
            return job

    def drop_pictures(self, labels: Sequence[str] | None = None) -> None:
        """Drop what a report could still show, of all classes or of some that are forgotten."""
        with self._lock:
            for job in self._jobs.values():
                job.pictures = {
                    label: some
                    for label, some in job.pictures.items()
                    if labels is not None and label not in labels
                }

    def close(self) -> None:
        """Wait for the job that is under way: a lesson is one transaction, and is not left half done."""
        if self._thread is not None:
            self._thread.join()

    def _teach(self, job: Job) -> None:
        lower_priority(NICENESS)
        began = time.monotonic()
        progress = job.now

        def enter(stage: str) -> None:
            job.progress.tell(replace(progress, stage=stage, done=1, seconds=time.monotonic() - began))

        try:
            with closing(Store.open(self._store)) as store:
                report = self._learn(store, job, enter)
                confusions = self._confusions(store, job, report)
                alone = report.alone(store.state().labels)
                progress = replace(progress, report=report.to_json(), confusions=confusions, alone=alone)
                progress = replace(progress, state="rejected" if report.generation is None else "done")
                if report.generation is not None:
                    self._on_taught(job, report, store)
        except EdgeToscaError as error:
            progress = replace(progress, state="failed", error=without_paths(str(error), self._store))
        except Exception:
            _log.exception("a lesson failed by a fault of edge-tosca itself")
            sentence = "a fault of edge-tosca itself; its log says more"
            progress = replace(progress, state="failed", error=sentence)
        finally:
            give_back_freed()
            seconds = time.monotonic() - began
            _log.info("lesson", extra={"state": progress.state, "seconds": round(seconds, 2)})
            # Last of all: who is told may begin the next change at once.
            job.progress.tell(replace(progress, stage="finished", done=progress.total, seconds=seconds))

    def _learn(self, store: Store, job: Job, on_stage: Callable[[str], None]) -> LearnReport:
        features = {
            label: np.stack([one.seen.feature for one in some]) for label, some in job.pictures.items()
        }
        width = int(store.settings["feature_dim"])
        if any(rows.shape[1] != width for rows in features.values()):
            raise LearnError("these pictures were seen by another backbone; remove them and capture anew")
        classes = {
            label: LessonClass(features[label], [one.id for one in some], [one.seen.sha256 for one in some])
            for label, some in job.pictures.items()
        }
        lesson = Lesson(classes, job.task, provenance=self._seen_with())
        return learn_task(store, lesson, force=job.force, on_stage=on_stage)

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
        """Choose pictures of a class, those first that look most like another class that is taught now."""
        if label not in job.pictures:
            return tuple(self._kept(store, label))[:_PICTURES_SHOWN]
        mine = list(job.pictures[label])
        if like in job.pictures:
            mean = np.mean([one.seen.conditioned for one in job.pictures[like]], axis=0)
            mine.sort(key=lambda one: -float(one.seen.conditioned @ mean))
        return tuple(one.id for one in mine[:_PICTURES_SHOWN])
