"""The live loop: predict the newest frame of a stream, and update the stable answer."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import EdgeToscaError, LearnError, NothingLearnedError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.severity import INFO, read_severities
from edge_tosca.live.consensus import FRAMES, Consensus, StableAnswer
from edge_tosca.live.stats import Latencies, LiveStats
from edge_tosca.live.triggers import Always, Trigger
from edge_tosca.results import Answer
from edge_tosca.store.wal_guard import EmptyLog, refuse_log_of_another, store_identity

if TYPE_CHECKING:
    from edge_tosca.devices.camera import Frame, Stream

FIRST_WAIT = 0.25
LONGEST_WAIT = 5.0
"""Seconds before a store that could not be used is opened again; doubled each time."""

_FRAME_SECONDS = 0.5
"""How long the loop waits for a frame before it checks whether to end."""

_CLOSING_SECONDS = 10.0


@dataclass(frozen=True, eq=False)
class LiveAnswer:
    """The answer to a frame.

    Attributes:
        frame: the frame.
        feature: float32 [d], of its pixels.
        answer: the prediction for this frame alone.
        shown: the answer that a display should show.
        latency: seconds from the frame's arrival to the answer.
        severity: of what is shown, when it last changed.
    """

    frame: "Frame"
    feature: NDArray[np.float32]
    answer: Answer
    shown: StableAnswer
    latency: float
    severity: str = INFO


class Live:
    """Predicts the newest frame of a stream, again and again, in a thread of its own.

    The loop continues when the camera is lost and comes back, before anything has been learned, when another
    process changes the store or replaces its file, and when the store cannot be read for a while.

    Args:
        stream: the frames; the caller starts and closes it.
        open_learner: opens the learner; called in the loop's thread, and again when the store was replaced.
        frames: maximum number of frames in a burst.
        on_event: called in the loop's thread with one line: why there are no answers, or that there are
            again.
        trigger: decides which frames are answered; every one by default. A change of what the store knows
            opens a look, too.

    Attributes:
        rounds: iterations of the loop. The count grows while it waits for the camera or the store, and stops
            when it hangs.
    """

    def __init__(
        self,
        stream: "Stream",
        open_learner: Callable[[], Learner],
        frames: int = FRAMES,
        on_event: Callable[[str], None] | None = None,
        trigger: Trigger | None = None,
    ) -> None:
        self._trigger = trigger or Always()
        self._stream = stream
        self._open_learner = open_learner
        self._consensus = Consensus(frames)
        self._on_event = on_event
        self._condition = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._path: Path | None = None
        self._file: tuple[int, int] | None = None
        self._log: tuple[int, int] | None = None
        self._newest: LiveAnswer | None = None
        self._seen = 0
        self._latencies = Latencies()
        self._answered = self._skipped = self._opened = self._unneeded = 0
        self._generation = -1
        self._severity = INFO
        self._current_at: float | None = None
        self._error: str | None = None
        self._nothing_learned = False
        self._over = False
        self.rounds = 0

    def start(self) -> None:
        """Start the loop."""
        self._thread.start()

    def close(self) -> None:
        """Stop the loop, close the store and wake every thread that waits for an answer."""
        self._stop.set()
        with self._condition:
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join(_CLOSING_SECONDS)

    @property
    def ended(self) -> bool:
        """Whether no more answers will come: it was closed, or the last frame of a file was answered."""
        with self._condition:
            return self._over or self._stop.is_set()

    def newest(self, after: int = 0, timeout: float | None = None) -> LiveAnswer | None:
        """Wait for the answer to a frame newer than a given one.

        Args:
            after: number of the last frame that the caller has; 0 for any.
            timeout: seconds; None for no limit.

        Returns:
            The newest answer; None if none came in time, or no more will come.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: self._is_newer(after) or self._over or self._stop.is_set(), timeout
            )
            return self._newest if self._is_newer(after) else None

    def look(self) -> None:
        """Answer the next frames, whatever the trigger decides."""
        self._trigger.request()

    @property
    def current_at(self) -> float | None:
        """Arrival of the last frame that was answered or needed no answer, in seconds of `time.monotonic`.

        Up to then the newest answer holds; None before there is one.
        """
        with self._condition:
            return self._current_at

    def stats(self) -> LiveStats:
        """Return the loop's statistics."""
        with self._condition:
            p50, p99 = self._latencies.percentiles()
            return LiveStats(
                answered=self._answered,
                skipped=self._skipped,
                latency_p50=p50,
                latency_p99=p99,
                fps=self._latencies.rate(time.monotonic()),
                error=self._error,
                nothing_learned=self._nothing_learned,
                opened=self._opened,
                unneeded=self._unneeded,
            )

    def _is_newer(self, after: int) -> bool:
        return self._newest is not None and self._newest.frame.number > after

    def _run(self) -> None:
        wait = FIRST_WAIT
        try:
            while not self._stop.is_set():
                answered = self._answered
                try:
                    if not self._answer_until_replaced():
                        return
                    continue
                except Exception as error:
                    # An unattended device must recover from any fault.
                    self._report_error(error)
                wait = FIRST_WAIT if self._answered > answered else min(2 * wait, LONGEST_WAIT)
                self._stop.wait(wait)
                self.rounds += 1
        finally:
            with self._condition:
                self._over = True
                self._condition.notify_all()

    def _answer_until_replaced(self) -> bool:
        """Answer frames until the store is replaced; return False when no more frames will come."""
        if self._path is None:
            # The path must be known before the store is opened for good, or a replacement could be missed.
            with closing(self._open_learner()) as first:
                self._path = first.store.path
        opened = store_identity(self._path)
        if self._file is not None and opened != self._file:
            refuse_log_of_another(self._path, self._log)
        self._file = opened
        with closing(self._open_learner()) as learner:
            log = EmptyLog(learner.store)
            learner.vision.check(learner.store.settings, learner.store.path)
            # Another store may have another backbone, whose features cannot be part of the same burst.
            self._consensus.restart()
            self._generation = -1
            with self._condition:
                self._opened += 1
            while not self._stop.is_set():
                self.rounds += 1
                frame = self._stream.newest(self._seen, _FRAME_SECONDS)
                if store_identity(self._path) != opened:
                    return True
                self._log = log.look()
                if frame is not None:
                    self._answer(learner, frame)
                elif self._stream.stats().ended:
                    return False
        return False

    def _answer(self, learner: Learner, frame: "Frame") -> None:
        generation = learner.store.latest()
        if not generation:
            self._report_error(NothingLearnedError(learner.store.path))
            self._count(frame)
            return
        if generation != self._generation:
            # What is shown may have been forgotten, and what is unknown may have been taught.
            self._trigger.request()
            self._generation = generation
        if not self._trigger.due(frame.pixels, frame.at):
            self._count(frame)
            with self._condition:
                self._unneeded += 1
                self._current_at = frame.at
            return
        feature, times = learner.vision.feature(frame.pixels)
        extracted = time.perf_counter()
        try:
            # Both predictions from one generation.
            with learner.store.snapshot():
                answer = learner.predict_features(feature[None], 4)[0]
                shown = self._consensus.add(learner, feature)
                if shown.changed and shown.answer is not None:
                    self._severity = read_severities(learner.store).of_answer(learner.state, shown.answer)
        except LearnError as error:
            self._report_error(error)
            self._count(frame)
            return
        times["decide"] = 1e3 * (time.perf_counter() - extracted)
        self._count(frame)
        now = time.monotonic()
        with self._condition:
            self._newest = LiveAnswer(
                frame,
                feature,
                replace(answer, milliseconds=times),
                shown,
                now - frame.at,
                self._severity,
            )
            self._answered += 1
            self._current_at = frame.at
            self._latencies.add(now - frame.at, now)
            recovered, self._error = self._error is not None, None
            self._nothing_learned = False
            self._condition.notify_all()
        if recovered:
            self._log_event(f"{learner.store.path}: answering again")

    def _count(self, frame: "Frame") -> None:
        with self._condition:
            if self._seen:
                self._skipped += frame.number - self._seen - 1
            self._seen = frame.number

    def _report_error(self, error: Exception) -> None:
        if isinstance(error, EdgeToscaError):
            reason = " ".join(str(error).split())
        else:
            reason = f"a fault of edge-tosca itself ({type(error).__name__}: {' '.join(str(error).split())})"
        with self._condition:
            new, self._error = self._error != reason, reason
            self._nothing_learned = isinstance(error, NothingLearnedError)
        if new:
            self._log_event(reason)

    def _log_event(self, event: str) -> None:
        if self._on_event is not None:
            self._on_event(event)
