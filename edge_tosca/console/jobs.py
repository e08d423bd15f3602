"""Teaching what waits in the queue, one job at a time."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from edge_tosca.console.broadcast import Broadcast
from edge_tosca.console.complaints import Complaint, without_paths
from edge_tosca.console.learner_thread import lower_priority
from edge_tosca.console.queue import Waiting
from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner import Learner
from edge_tosca.report import LearnReport

MOST_KEPT = 8
"""Jobs whose report can still be read; the pictures are those of the last one."""

NICENESS = 10


@dataclass(frozen=True)
class Progress:
    """Where a job is.

    Attributes:
        id: a random token.
        state: "running", "done", "rejected" by the gate, or "failed".
        stage: "waiting", "training", "judging" or "finished".
        done: stages that are over.
        total: of them.
        seconds: since it began.
        report: of the learner, None before there is one.
        error: why it failed, in one sentence.
    """

    id: str
    state: Literal["running", "done", "rejected", "failed"] = "running"
    stage: str = "training"
    done: int = 0
    total: int = 2
    seconds: float = 0.0
    report: dict[str, Any] | None = None
    error: str | None = None


@dataclass(eq=False)
class Job:
    """One lesson under way or over.

    Attributes:
        id: a random token.
        pictures: label to what is taught.
        task: its name, None for the next number.
        force: keep it whatever the gate says.
        progress: where it is.
    """

    pictures: Mapping[str, Sequence[Waiting]]
    task: str | None
    force: bool
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    progress: Broadcast[Progress] = field(default_factory=Broadcast)


class Jobs:
    """Runs one job at a time in a thread of its own."""

    def __init__(
        self, open_learner: Callable[[], Learner], on_taught: Callable[[Job, LearnReport], None]
    ) -> None:
        self._open, self._on_taught = open_learner, on_taught
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return self._thread is not None and self._thread.is_alive()

    def find(self, key: str) -> Job | None:
        """Find a job by its id."""
        return self._jobs.get(key)

    def start(self, pictures: Mapping[str, Sequence[Waiting]], task: str | None, force: bool) -> Job:
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
                raise Complaint(409, "the last lesson is still being learned; wait until it is done")
            job = Job(pictures, task, force)
            job.progress.tell(Progress(job.id))
            self._jobs[job.id] = job
            while len(self._jobs) > MOST_KEPT:
                del self._jobs[next(iter(self._jobs))]
            for earlier in list(self._jobs.values())[:-1]:
                earlier.pictures = {}
            self._thread = threading.Thread(target=self._teach, args=(job,), name="teaching")
            self._thread.start()
            return job

    def close(self) -> None:
        """Wait for the job that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _teach(self, job: Job) -> None:
        lower_priority(NICENESS)
        began = time.monotonic()
        progress = Progress(job.id)
        learner = None
        try:
            learner = self._open()
            features = {
                label: np.stack([one.seen.feature for one in some]) for label, some in job.pictures.items()
            }
            names = {label: [one.id for one in some] for label, some in job.pictures.items()}
            report = learner.learn_features(features, job.task, names=names, force=job.force)
            state: Any = "rejected" if report.generation is None else "done"
            if state == "done":
                self._on_taught(job, report)
            progress = replace(progress, state=state, stage="finished", done=2, report=report.to_json())
        except EdgeToscaError as error:
            path = learner.store.path if learner is not None else None
            sentence = str(error) if path is None else without_paths(str(error), path)
            progress = replace(progress, state="failed", stage="finished", error=sentence)
        finally:
            if learner is not None:
                learner.close()
            job.progress.tell(replace(progress, seconds=time.monotonic() - began))


def progress_json(job: Job) -> dict[str, Any]:
    """Give a job's progress as plain values."""
    _, progress = job.progress.newest()
    return asdict(progress) if progress is not None else {}
