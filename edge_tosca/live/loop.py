"""The live loop: predict the newest frames of cameras, region after region; update their stable answers."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.errors import EdgeToscaError, LearnError, NothingLearnedError, PictureError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.severity import read_severities
from edge_tosca.live.consensus import FRAMES
from edge_tosca.live.place import LiveAnswer, Place, PlaceState, Triggers
from edge_tosca.live.places import Places
from edge_tosca.live.regions import MAIN, read_regions
from edge_tosca.live.stats import LiveStats
from edge_tosca.live.triggers import Always
from edge_tosca.live.turns import Turns
from edge_tosca.store.wal_guard import EmptyLog, refuse_log_of_another, store_identity

if TYPE_CHECKING:
    from edge_tosca.devices.camera import Frame, Stream

FIRST_WAIT = 0.25
LONGEST_WAIT = 5.0
"""Seconds before a store that could not be used is opened again; doubled each time."""

_FRAME_SECONDS = 0.5
"""How long the loop waits for a frame before it checks whether to end, and for new regions at most."""

_CLOSING_SECONDS = 10.0


class Live:
    """Predicts the newest frames of cameras, again and again, in a thread of its own.

    Each region of each camera has its own stable answer. They take turns: of the regions whose camera has a
    newer frame than the one answered last, the one that waited longest is answered. So all share one
    backbone and one store, and a camera with four regions gets four times the turns of one with a single
    region.

    The loop continues when a camera is lost and comes back, before anything has been learned, when another
    process changes the store, its regions, or replaces its file, and when the store cannot be read for a
    while.

    Args:
        streams: the frames of one camera, or of several by name; the caller starts and closes them.
        open_learner: opens the learner; called in the loop's thread, and again when the store was replaced.
        frames: maximum number of frames in a burst.
        on_event: called in the loop's thread with one line: why there are no answers, or that there are
            again.
        on_change: called in the loop's thread with each answer that changed what a region shows; it must
            return at once.
        triggers: makes the trigger of each region that has none of its own in the store; all frames are
            answered by default. A change of what the store knows opens a look, whatever the trigger.
        ends: end when all cameras are files that were read to their end; otherwise wait for other cameras.

    Attributes:
        rounds: iterations of the loop. The count grows while it waits for a camera or the store, and stops
            when it hangs.
    """

    def __init__(
        self,
        streams: "Stream | Mapping[str, Stream]",
        open_learner: Callable[[], Learner],
        frames: int = FRAMES,
        on_event: Callable[[str], None] | None = None,
        *,
        on_change: Callable[[LiveAnswer], None] | None = None,
        triggers: Triggers | None = None,
        ends: bool = True,
    ) -> None:
        self._open_learner = open_learner
        self._on_event, self._on_change = on_event, on_change
        self._places = Places(frames, triggers or (lambda _: Always()))
        self._ends = ends
        self._arrived = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._path: Path | None = None
        self._file: tuple[int, int] | None = None
        self._log: tuple[int, int] | None = None
        self._streams: dict[str, Stream] = {}
        self._turns: Turns[Place] = Turns()
        self._refresh_at = 0.0
        self.rounds = 0
        for name, stream in (streams if isinstance(streams, Mapping) else {MAIN: streams}).items():
            self.add_camera(name, stream)

    def start(self) -> None:
        """Start the loop."""
        self._thread.start()

    def close(self) -> None:
        """Stop the loop, close the store and wake every thread that waits for an answer."""
        self._stop.set()
        self._arrived.set()
        self._places.end()
        if self._thread.is_alive():
            self._thread.join(_CLOSING_SECONDS)

    def add_camera(self, name: str, stream: "Stream") -> None:
        """Answer the frames of one more camera, also while the loop runs.

        Args:
            name: of the camera.
            stream: its frames.
        """
        self._streams = {**self._streams, name: stream}
        stream.on_frame(self._arrived.set)
        self.look_again()

    def remove_camera(self, name: str) -> None:
        """Answer the frames of a camera no more.

        Args:
            name: of the camera.
        """
        self._streams = {other: stream for other, stream in self._streams.items() if other != name}
        self._places.drop_camera(name)
        self.look_again()

    @property
    def ended(self) -> bool:
        """Whether no more answers will come: it was closed, or the last frame of a file was answered."""
        return self._places.over

    def places(self) -> list[PlaceState]:
        """Return the state of each region, camera by camera."""
        return list(self._places.all().values())

    def newest(
        self, after: int = 0, timeout: float | None = None, place: Place | None = None
    ) -> LiveAnswer | None:
        """Wait for the answer to a frame newer than a given one.

        Args:
            after: number of the last frame that the caller has; 0 for any.
            timeout: seconds; None for no limit.
            place: the region; the first one by default.

        Returns:
            The newest answer; None if none came in time, or no more will come.
        """
        return self._places.newest(after, timeout, place)

    def wait(self, total: int, timeout: float) -> int:
        """Wait for more answers than there were, in any region.

        Args:
            total: the number that the last call returned; 0 for any.
            timeout: seconds.

        Returns:
            The number of answers since the start.
        """
        return self._places.wait(total, timeout)

    def stats(self, place: Place | None = None) -> LiveStats:
        """Return the statistics of a region.

        Args:
            place: the region; the first one by default.
        """
        return self._places.stats(place)

    def look(self, place: Place | None = None) -> bool:
        """Answer the next frames of a region, whatever its trigger decides.

        Args:
            place: the region; None for all.

        Returns:
            Whether there is such a region.
        """
        found = self._places.look(place)
        for camera in found:
            stream = self._streams.get(camera)
            if stream is not None:
                stream.rest_until(0.0)
        return bool(found)

    def look_again(self) -> None:
        """Read the regions again at once: they were changed."""
        self._refresh_at = 0.0
        self._arrived.set()

    def _run(self) -> None:
        wait = FIRST_WAIT
        try:
            while not self._stop.is_set():
                answered = self._places.total
                try:
                    if not self._answer_until_replaced():
                        return
                    continue
                except Exception as error:
                    # An unattended device must recover from any fault.
                    self._report_error(error)
                wait = FIRST_WAIT if self._places.total > answered else min(2 * wait, LONGEST_WAIT)
                self._stop.wait(wait)
                self.rounds += 1
        finally:
            self._places.end()

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
            self._places.store_opened()
            self._refresh_at = 0.0
            while not self._stop.is_set():
                self.rounds += 1
                over = self._all_ended()
                found = self._next(learner)
                if store_identity(self._path) != opened:
                    return True
                self._log = log.look()
                if found is not None:
                    self._answer(learner, *found)
                elif over:
                    return False
        return False

    def _all_ended(self) -> bool:
        # Read before the frames are, so that the last one is answered.
        return self._ends and all(stream.stats().ended for stream in self._streams.values())

    def _next(self, learner: Learner) -> "tuple[PlaceState, Frame] | None":
        """Wait for a frame that a region has not seen; return the one that waited longest for its turn."""
        for last in (False, True):
            self._arrived.clear()
            self._refresh(learner)
            states = self._places.all()
            for place in self._turns.order(states):
                stream, state = self._streams.get(place.camera), states[place]
                frame = None if stream is None else stream.newest(state.seen, 0.0)
                if frame is not None:
                    self._turns.take(place)
                    return state, frame
            if not last:
                self._arrived.wait(_FRAME_SECONDS)
        return None

    def _refresh(self, learner: Learner) -> None:
        """Bring the regions up to date with the store."""
        now = time.monotonic()
        if now < self._refresh_at:
            return
        self._refresh_at = now + _FRAME_SECONDS
        self._places.follow(self._streams, read_regions(learner.store))

    def _answer(self, learner: Learner, state: PlaceState, frame: "Frame") -> None:
        generation = learner.store.latest()
        if not generation:
            self._report_error(NothingLearnedError(learner.store.path))
            self._places.count(state, frame)
            return
        if generation != state.generation:
            # What is shown may have been forgotten, and what is unknown may have been taught.
            state.trigger.request()
            state.generation = generation
        try:
            crop = state.named.region.crop(frame.pixels)
            if not state.trigger.due(crop, frame.at):
                self._leave_out(state, frame)
                return
            self._predict(learner, state, replace(frame, pixels=crop))
        except (LearnError, PictureError) as error:
            self._report_error(error, state)
            self._places.count(state, frame)

    def _predict(self, learner: Learner, state: PlaceState, frame: "Frame") -> None:
        feature, times = learner.vision.feature(frame.pixels)
        extracted = time.perf_counter()
        # Both predictions from one generation.
        with learner.store.snapshot():
            among = None if not state.named.classes else state.named.labels(learner.state)
            answer = learner.predict_features(feature[None], 4, among=among)[0]
            shown = state.consensus.add(learner, feature, among)
            if shown.changed and shown.answer is not None:
                state.severity = read_severities(learner.store).of_answer(learner.state, shown.answer)
        times["decide"] = 1e3 * (time.perf_counter() - extracted)
        now = time.monotonic()
        answer = replace(answer, milliseconds=times)
        live = LiveAnswer(
            frame,
            feature,
            answer,
            shown,
            now - frame.at,
            state.place,
            learner.store.widths[0],
            state.severity,
        )
        recovered = self._places.put(state, frame, live)
        if recovered:
            self._log_event(f"{learner.store.path}: answering again")
        if shown.changed and self._on_change is not None:
            self._on_change(live)

    def _leave_out(self, state: PlaceState, frame: "Frame") -> None:
        rest_until = self._places.leave_out(state, frame)
        stream = self._streams.get(state.place.camera)
        if stream is not None:
            stream.rest_until(rest_until)

    def _report_error(self, error: Exception, state: PlaceState | None = None) -> None:
        if isinstance(error, EdgeToscaError):
            reason = " ".join(str(error).split())
        else:
            reason = f"a fault of edge-tosca itself ({type(error).__name__}: {' '.join(str(error).split())})"
        if self._places.fail(reason, error, state):
            self._log_event(reason)

    def _log_event(self, event: str) -> None:
        if self._on_event is not None:
            self._on_event(event)
