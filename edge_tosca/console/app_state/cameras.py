"""The box's cameras: their feeds, one live loop over all regions, and the publication of its answers."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from edge_tosca.console.app_state.added_cameras import AddedCameras
from edge_tosca.console.app_state.broadcast import Broadcast
from edge_tosca.console.app_state.camera_feed import CameraFeed
from edge_tosca.console.app_state.image_analysis import AnalysedImage, analyse_with_feature
from edge_tosca.console.app_state.live_update import LiveUpdate, Reason
from edge_tosca.devices.camera import CameraStats
from edge_tosca.errors import EdgeToscaError, LearnError
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Live, LiveAnswer, LiveStats, Place
from edge_tosca.live.place import PlaceState, Triggers
from edge_tosca.live.regions import WHOLE_FRAME, NamedRegion, is_default
from edge_tosca.results import Answer

UPDATE_SECONDS = 0.1
"""Between two published answers of a region whose page is open; a page can show no more."""

TILE_SECONDS = 0.5
"""The same of a region that is a tile among others on an open page."""

UNWATCHED_UPDATE_SECONDS = 1.0
"""The same while no page shows the region: for the unknown inbox only."""

STALE_SECONDS = 3.0
"""Age of the last frame that was looked at, after which its answer is no longer shown."""

STUCK_SECONDS = 10.0
"""Time without a round of the live loop after which it counts as hanging."""

MOST_CAMERAS = 8
"""Cameras of one console: each has threads and a frame of its own in memory."""

_WANTED_SECONDS = 2.0
_WAIT_SECONDS = 0.5
_PAUSE_SECONDS = 0.02

_log = logging.getLogger("edge_tosca.console")

OnAnswer = Callable[[Place, AnalysedImage, Answer], str]


class Cameras:
    """All cameras of a console; they can be added and removed while it runs.

    Attributes:
        feeds: name to camera, in the order in which they were added.
        live: the loop that answers their frames.
        rounds: of the thread that publishes answers; the count rises while cameras are lost, and stops while
            the live loop hangs.
    """

    def __init__(
        self,
        specs: Mapping[str, str],
        open_learner: Callable[[], Learner],
        frames: int,
        on_answer: OnAnswer,
        on_change: Callable[[LiveAnswer], None] | None = None,
        triggers: Triggers | None = None,
        added: AddedCameras | None = None,
    ) -> None:
        """Create the cameras; `start` opens them.

        Args:
            specs: name to address.
            open_learner: opens the learner of the live loop.
            frames: of a burst.
            on_answer: called with region, picture and answer of each update; returns the answer's id.
            on_change: see `Live`.
            triggers: see `Live`.
            added: cameras that were added while a server ran, and are kept; None keeps none.

        Raises:
            CameraError: there is no such camera.
            MissingExtraError: the package that reads it is not installed.
        """
        self.feeds = {name: CameraFeed(name, spec) for name, spec in specs.items()}
        self._added = added
        for name, spec in ({} if added is None else added.read()).items():
            if name in self.feeds or len(self.feeds) >= MOST_CAMERAS:
                continue
            # The server starts without one that cannot be read here any more.
            try:
                self.feeds[name] = CameraFeed(name, spec)
            except EdgeToscaError as error:
                _log.warning(f"camera {name}, which was added in the console, is left out: {error}")
        streams = {name: feed.stream for name, feed in self.feeds.items()}
        self.live = Live(
            streams, open_learner, frames, _log.info, on_change=on_change, triggers=triggers, ends=False
        )
        self.rounds = 0
        self._on_answer = on_answer
        self._answers: dict[Place, Broadcast[LiveUpdate]] = {}
        self._wanted: dict[Place, dict[float, float]] = {}
        self._published: dict[Place, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._round, self._round_at = -1, time.monotonic()
        self._runs = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish, name="live updates", daemon=True)

    def start(self) -> None:
        """Start to read the cameras and to answer their frames."""
        for feed in self.feeds.values():
            feed.start()
        self._thread.start()
        self._start_live()

    def close(self) -> None:
        """Stop the threads and release the cameras."""
        self._stop.set()
        for feed in self.feeds.values():
            feed.close()
        self.live.close()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def add(self, name: str, spec: str) -> None:
        """Add a camera, and keep it for the next start.

        Args:
            name: of the camera.
            spec: its address.

        Raises:
            LearnError: the name is taken, or there are too many.
            CameraError: there is no such camera.
            MissingExtraError: the package that reads it is not installed.
            StoreError: it cannot be kept.
        """
        feed = CameraFeed(name, spec)
        with self._lock:
            if name in self.feeds:
                raise LearnError(f"there is a camera {name} already; choose another name")
            if len(self.feeds) >= MOST_CAMERAS:
                raise LearnError(f"a console has at most {MOST_CAMERAS} cameras; remove one first")
            if self._added is not None:
                self._added.add(name, spec)
            self.feeds = {**self.feeds, name: feed}
        feed.start()
        self.live.add_camera(name, feed.stream)
        self._start_live()

    def remove(self, name: str) -> None:
        """Remove a camera; its regions stay, and one of the command line is back at the next start.

        Args:
            name: of the camera.

        Raises:
            LearnError: there is no such camera.
            StoreError: it is kept, and cannot be removed from there.
        """
        with self._lock:
            feed = self.feeds.get(name)
            if feed is None:
                raise LearnError(f"there is no camera {name[:60]!r}; load the page again")
            if self._added is not None:
                self._added.remove(name)
            self.feeds = {other: one for other, one in self.feeds.items() if other != name}
        self.live.remove_camera(name)
        feed.close()

    def first(self) -> Place | None:
        """Return the first region of the first camera; None without a camera."""
        camera = next(iter(self.feeds), None)
        if camera is None:
            return None
        mine = (state.place for state in self.live.places() if state.place.camera == camera)
        return next(mine, Place(camera, WHOLE_FRAME.name))

    def state_of(self, place: Place) -> PlaceState | None:
        """Return what the live loop has of a region; None before it has read it, or if there is none."""
        return next((state for state in self.live.places() if state.place == place), None)

    def places(self) -> list[tuple[Place, NamedRegion]]:
        """Return all regions, camera by camera."""
        found = [(state.place, state.named) for state in self.live.places()]
        known = {place.camera for place, _ in found}
        # Before the live loop has read the store, or while it cannot.
        missing = [(Place(name, WHOLE_FRAME.name), WHOLE_FRAME) for name in self.feeds if name not in known]
        return [one for one in found + missing if one[0].camera in self.feeds]

    def is_connected(self, name: str) -> bool:
        """Return whether a camera gives frames.

        Args:
            name: of the camera; one that was removed gives none.
        """
        feed = self.feeds.get(name)
        return feed is not None and feed.stream.stats().connected

    def is_plain(self) -> bool:
        """Return whether there is nothing but the whole frame of one camera without a name."""
        return [place for place, _ in self.places() if not is_default(*place)] == []

    def answers(self, place: Place, seconds: float = UPDATE_SECONDS) -> Broadcast[LiveUpdate]:
        """Return the newest answer of a region, and have it published often for a while.

        Args:
            place: the region.
            seconds: between two answers.
        """
        with self._lock:
            self._wanted.setdefault(place, {})[seconds] = time.monotonic() + _WANTED_SECONDS
            return self._answers.setdefault(place, Broadcast())

    def newest(self, place: Place) -> LiveUpdate | None:
        """Return the newest answer of a region; None if its camera gave no frame for STALE_SECONDS.

        Args:
            place: the region.
        """
        with self._lock:
            broadcast = self._answers.get(place)
        state = self.state_of(place)
        _, update = (0, None) if broadcast is None else broadcast.newest()
        if update is None or state is None:
            return None
        return update if time.monotonic() - max(update.at, state.looked_at) < STALE_SECONDS else None

    def reason(self, place: Place) -> Reason | None:
        """Return the reason why a region has no answer; None if it has one.

        Args:
            place: the region.
        """
        if self.newest(place) is not None:
            return None
        feed = self.feeds.get(place.camera)
        if feed is None:
            return "no_camera"
        camera, live = feed.stream.stats(), self.live.stats(place)
        if not camera.connected:
            return "camera_lost" if camera.error or camera.ended else "starting"
        if live.error is not None:
            return "nothing_learned" if live.nothing_learned else "trouble"
        return "starting"

    def stats(self, place: Place | None) -> tuple[CameraStats | None, LiveStats | None]:
        """Return the statistics of a region's camera and of its answers; None for both without a camera.

        Args:
            place: the region; None for none.
        """
        feed = None if place is None else self.feeds.get(place.camera)
        return (None, None) if feed is None else (feed.stream.stats(), self.live.stats(place))

    def _start_live(self) -> None:
        with self._lock:
            start, self._runs = bool(self.feeds) and not self._runs, bool(self.feeds) or self._runs
        if start:
            self.live.start()

    def _publish(self) -> None:
        total = 0
        while not self._stop.is_set():
            self.rounds += self._is_progressing()
            total = self.live.wait(total, _WAIT_SECONDS)
            for state in self.live.places():
                if state.newest is not None:
                    self._publish_if_due(state.newest)
            self._drop_old()
            self._stop.wait(_PAUSE_SECONDS)

    def _publish_if_due(self, answer: LiveAnswer) -> None:
        place, now = answer.place, time.monotonic()
        number, at = self._published.get(place, (0, 0.0))
        with self._lock:
            wanted = [seconds for seconds, until in self._wanted.get(place, {}).items() if until > now]
            broadcast = self._answers.setdefault(place, Broadcast())
        pause = min(wanted, default=UNWATCHED_UPDATE_SECONDS)
        if number == answer.frame.number or now - at < pause:
            return
        self._published[place] = (answer.frame.number, now)
        try:
            broadcast.publish(self._update_of(answer))
        except Exception:
            # The page misses one answer; the loop continues.
            _log.exception("a live answer could not be published")

    def _drop_old(self) -> None:
        present = {state.place for state in self.live.places()}
        with self._lock:
            for place in set(self._answers) - present:
                if max(self._wanted.get(place, {}).values(), default=0.0) < time.monotonic():
                    del self._answers[place]
                    self._wanted.pop(place, None)
                    self._published.pop(place, None)

    def _is_progressing(self) -> bool:
        """Return whether the live loop makes rounds, as it does while it waits for cameras, too."""
        now = time.monotonic()
        if not self._runs or self.live.rounds != self._round:
            self._round, self._round_at = self.live.rounds, now
        return now - self._round_at < STUCK_SECONDS

    def _update_of(self, live: LiveAnswer) -> LiveUpdate:
        image = analyse_with_feature(
            live.frame.pixels, live.feature, live.answer.milliseconds, first=live.first
        )
        key = self._on_answer(live.place, image, live.shown.answer or live.answer)
        return LiveUpdate(key, live.frame.number, live.answer, live.shown, live.frame.at)
