"""The regions of a running live loop, shared with the threads that wait for its answers."""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from edge_tosca.errors import NothingLearnedError
from edge_tosca.live.place import LiveAnswer, Place, PlaceState, Triggers
from edge_tosca.live.regions import NamedRegion, Regions, regions_of
from edge_tosca.live.stats import LiveStats
from edge_tosca.live.triggers import Trigger, parse_trigger

if TYPE_CHECKING:
    from edge_tosca.devices.camera import Frame


class Places:
    """The state of each region. The loop's thread writes, any thread reads and waits.

    Args:
        frames: maximum number of frames in a burst.
        triggers: makes the trigger of each region.

    Attributes:
        total: number of answers since the start.
    """

    def __init__(self, frames: int, triggers: Triggers) -> None:
        self._frames, self._triggers = frames, triggers
        self._changed = threading.Condition()
        self._states: dict[Place, PlaceState] = {}
        self._opened = 0
        self._error: str | None = None
        self._nothing_learned = False
        self._over = False
        self.total = 0

    @property
    def over(self) -> bool:
        """Whether no more answers will come."""
        with self._changed:
            return self._over

    def end(self) -> None:
        """Wake every thread that waits: no more answers will come."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def all(self) -> Mapping[Place, PlaceState]:
        """Return the state of each region, camera by camera; a snapshot."""
        with self._changed:
            return dict(self._states)

    def newest(self, after: int, timeout: float | None, place: Place | None) -> LiveAnswer | None:
        """Wait for an answer; see `Live.newest`."""

        def found() -> LiveAnswer | None:
            state = self._state_of(place)
            answer = None if state is None else state.newest
            return answer if answer is not None and answer.frame.number > after else None

        with self._changed:
            self._changed.wait_for(lambda: found() is not None or self._over, timeout)
            return found()

    def wait(self, total: int, timeout: float) -> int:
        """Wait for more answers than there were; see `Live.wait`."""
        with self._changed:
            self._changed.wait_for(lambda: self.total > total or self._over, timeout)
            return self.total

    def stats(self, place: Place | None) -> LiveStats:
        """Return the statistics of a region; see `Live.stats`."""
        now = time.monotonic()
        with self._changed:
            state = self._state_of(place)
            if state is None:
                return LiveStats(0, 0, 0.0, 0.0, 0.0, self._error, self._nothing_learned, self._opened)
            return state.stats(now, self._error, self._nothing_learned, self._opened)

    def follow(self, cameras: Iterable[str], regions: Regions) -> None:
        """Bring the regions up to date.

        Args:
            cameras: that there are now.
            regions: of the store.
        """
        with self._changed:
            states = {}
            for camera in cameras:
                for named in regions_of(regions, camera):
                    place = Place(camera, named.name)
                    state = self._states.get(place)
                    if state is None:
                        state = PlaceState(place, named, self._frames, self._trigger_of(place, named))
                    elif state.named.trigger != named.trigger:
                        state.trigger = self._trigger_of(place, named)
                    state.change(named)
                    states[place] = state
            self._states = states

    def drop_camera(self, name: str) -> None:
        """Forget the regions of a camera that was removed.

        Args:
            name: of the camera.
        """
        with self._changed:
            self._states = {place: state for place, state in self._states.items() if place.camera != name}

    def store_opened(self) -> None:
        """Begin new bursts: another store may have another backbone, whose features cannot join them."""
        with self._changed:
            for state in self._states.values():
                state.consensus.restart()
                state.generation = 0
            self._opened += 1

    def put(self, state: PlaceState, frame: "Frame", answer: LiveAnswer) -> bool:
        """Record an answer.

        Args:
            state: of the region.
            frame: that was answered.
            answer: to it.

        Returns:
            Whether there was none before, for a reason that was reported.
        """
        with self._changed:
            state.count(frame)
            recovered = self._error is not None or state.error is not None
            state.put(answer, time.monotonic())
            self.total += 1
            self._error = None
            self._nothing_learned = False
            self._changed.notify_all()
            return recovered

    def count(self, state: PlaceState, frame: "Frame") -> None:
        """Count a frame of a region as considered.

        Args:
            state: of the region.
            frame: that gets no answer.
        """
        with self._changed:
            state.count(frame)

    def leave_out(self, state: PlaceState, frame: "Frame") -> float:
        """Count a frame of a region that its trigger left out.

        Args:
            state: of the region.
            frame: of its camera.

        Returns:
            Until when no region of the camera needs a frame, in seconds of `time.monotonic`.
        """
        with self._changed:
            state.leave_out(frame)
            camera = state.place.camera
            mine = [one.rest_until for one in self._states.values() if one.place.camera == camera]
            # A region that was removed meanwhile needs none.
            return min(mine, default=0.0)

    def look(self, place: Place | None) -> set[str]:
        """Have the next frames of a region answered; see `Live.look`.

        Returns:
            The names of the cameras of the regions that were found.
        """
        with self._changed:
            found = [state for state in self._states.values() if place in (None, state.place)]
            for state in found:
                state.trigger.request()
                state.rest_until = 0.0
            return {state.place.camera for state in found}

    def fail(self, reason: str, error: Exception, state: PlaceState | None = None) -> bool:
        """Record why there is no answer.

        Args:
            reason: in one line.
            error: the reason's error.
            state: of the region that it concerns; None for all.

        Returns:
            Whether it is another reason than before.
        """
        with self._changed:
            if state is not None:
                new, state.error = state.error != reason, reason
                return new
            new, self._error = self._error != reason, reason
            self._nothing_learned = isinstance(error, NothingLearnedError)
            return new

    def _trigger_of(self, place: Place, named: NamedRegion) -> Trigger:
        return parse_trigger(named.trigger) if named.trigger else self._triggers(place)

    def _state_of(self, place: Place | None) -> PlaceState | None:
        return next(iter(self._states.values()), None) if place is None else self._states.get(place)
