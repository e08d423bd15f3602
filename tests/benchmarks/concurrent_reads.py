"""How long an answer takes while another process teaches the same store, beside when nothing happens."""

import contextlib
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.synthetic import task_features
from edge_tosca.learner.learner import Learner

_CLASSES = 10
_TASKS = 3
_PAUSE = 0.01
"""Seconds between two answers, as of a camera that does not wait."""


@dataclass(frozen=True)
class Latency:
    """Answers of one process from cached features, in milliseconds.

    Attributes:
        answers: how many were timed.
        median: of them.
        p99: the 99th of a hundred.
        longest: the slowest.
    """

    answers: int
    median: float
    p99: float
    longest: float


@dataclass(frozen=True)
class Reads:
    """Latencies of a reader.

    Attributes:
        quiet: while nothing is written.
        busy: while a process on another core computes, and writes nothing.
        taught: while another process teaches and forgets without a pause.
        generations: committed meanwhile.
        noticed: of these, how many the reader answered from.
    """

    quiet: Latency
    busy: Latency
    taught: Latency
    generations: int
    noticed: int

    @property
    def ratio(self) -> float:
        """The 99th percentile while another process teaches, over that while another one computes."""
        return self.taught.p99 / self.busy.p99


def measure(seconds: float) -> Reads:
    """Time a reader in turns with and without a teaching process beside it.

    Args:
        seconds: of timing, for each of the three.

    Returns:
        The latencies.
    """
    turns = 4
    times: dict[str, list[float]] = {"quiet": [], "busy": [], "taught": []}
    made, noticed = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readers.tosca"
        learner = Learner.create(path, threads=1)
        d = learner.vision.bundle.feature_dim
        for task in range(_TASKS):
            learner.learn_features(task_features(task, _CLASSES, d), force=True)
        questions = np.concatenate(list(task_features(0, _CLASSES, d).values()))
        for _ in range(turns):
            times["quiet"] += _answers(learner, questions, seconds / turns)[0]
            for kind, work in (("busy", _compute), ("taught", _teach)):
                with _beside(work, path):
                    before = learner.store.latest()
                    took, seen = _answers(learner, questions, seconds / turns)
                    committed = learner.store.latest() - before
                times[kind] += took
                if kind == "taught":
                    made += committed
                    noticed += seen
        learner.close()
    quiet, busy, taught = (_latency(times[kind]) for kind in ("quiet", "busy", "taught"))
    return Reads(quiet, busy, taught, made, noticed)


@contextlib.contextmanager
def _beside(work: Callable[[Path, Event, Event], None], path: Path) -> Iterator[None]:
    """Let another process work on the store while the block runs; it has begun when the block does."""
    context = multiprocessing.get_context("spawn")
    begun, enough = context.Event(), context.Event()
    process = context.Process(target=work, args=(path, begun, enough))
    process.start()
    begun.wait()
    try:
        yield
    finally:
        enough.set()
        process.join()


def _teach(path: Path, begun: Event, enough: Event) -> None:
    learner = Learner.open(path, threads=1)
    lesson = task_features(_TASKS, _CLASSES, learner.vision.bundle.feature_dim)
    begun.set()
    while not enough.is_set():
        learner.learn_features(lesson, force=True)
        learner.rollback()
    learner.close()


def _compute(path: Path, begun: Event, enough: Event) -> None:
    square = np.random.default_rng(0).normal(size=(400, 400))
    begun.set()
    while not enough.is_set():
        square @ square


def _answers(learner: Learner, questions: Array, seconds: float) -> tuple[list[float], int]:
    end, took, seen = time.perf_counter() + seconds, [], set()
    place = 0
    while (start := time.perf_counter()) < end:
        learner.predict_features(questions[place % len(questions)][None], 3)
        took.append(1e3 * (time.perf_counter() - start))
        seen.add(learner.state.generation)
        place += 1
        time.sleep(_PAUSE)
    return took, len(seen) - 1


def _latency(times: list[float]) -> Latency:
    return Latency(len(times), float(np.median(times)), float(np.quantile(times, 0.99)), max(times))
