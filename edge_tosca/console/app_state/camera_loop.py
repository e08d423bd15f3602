"""The box's own camera: its stream, the live answers, and their publication to pages."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edge_tosca.console.app_state.broadcast import Broadcast
from edge_tosca.console.app_state.image_analysis import AnalysedImage, analyse_with_feature, jpeg_of
from edge_tosca.devices.camera import CameraStats, Stream
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Live, LiveAnswer, LiveStats, StableAnswer
from edge_tosca.results import Answer

UPDATE_SECONDS = 0.1
"""Between two published live answers; a page can show no more."""

UNWATCHED_UPDATE_SECONDS = 1.0
"""The same while no page is open: for the unknown inbox only."""

PICTURE_SECONDS = 1 / 15
"""Between two camera pictures that are sent to pages."""

STALE_SECONDS = 3.0
"""Age at which an answer is no longer shown."""

STUCK_SECONDS = 10.0
"""Time without an answer, while the camera gives frames, after which the live loop counts as hanging."""

_FRAME_WAIT_SECONDS = 0.5

_log = logging.getLogger("edge_tosca.console")

Reason = Literal["no_camera", "starting", "camera_lost", "nothing_learned", "trouble"]


@dataclass(frozen=True, eq=False)
class LiveUpdate:
    """A live answer as it is published to pages.

    Attributes:
        id: identifies the answer in a correction.
        frame: number of the frame.
        answer: the answer to this frame alone.
        shown: the stable answer that a display should show.
        at: time.monotonic() of the frame.
    """

    id: str
    frame: int
    answer: Answer
    shown: StableAnswer
    at: float


class CameraLoop:
    """The camera, its live loop, and two threads that publish answers and pictures to pages.

    It holds one frame, one picture and one answer; a slow page misses some.

    Attributes:
        stream: the camera's frames.
        live: the loop that answers them.
        answers: the newest answer.
        pictures: the newest picture, as a JPEG, while a page wants it.
        rounds: of the thread that publishes answers; the count rises while the camera is lost, and stops
            while the live loop hangs.
    """

    def __init__(
        self,
        spec: str,
        open_learner: Callable[[], Learner],
        frames: int,
        on_answer: Callable[[AnalysedImage, Answer], str],
        watched: Callable[[], bool],
    ) -> None:
        """Create the loop; `start` opens the camera.

        Args:
            spec: names the camera.
            open_learner: opens the learner of the live loop.
            frames: of a burst.
            on_answer: called with the picture and the answer of each update; returns the answer's id.
            watched: whether a page is open.
        """
        self.stream = Stream.of(spec, _note)
        self.live = Live(self.stream, open_learner, frames, _note)
        self.answers: Broadcast[LiveUpdate] = Broadcast()
        self.pictures: Broadcast[bytes] = Broadcast()
        self.rounds = 0
        self._answered, self._answered_at = -1, time.monotonic()
        self._wanted_until = 0.0
        self._on_answer, self._watched = on_answer, watched
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._threads = [
            threading.Thread(target=self._publish_answers, name="live updates", daemon=True),
            threading.Thread(target=self._publish_pictures, name="pictures", daemon=True),
        ]

    def start(self) -> None:
        """Start to read the camera and to answer its frames."""
        self.stream.start()
        self.live.start()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop the threads and release the camera."""
        self._stop.set()
        self._wanted.set()
        self.stream.close()
        self.live.close()
        for thread in self._threads:
            thread.join(2.0)

    def want_pictures(self) -> None:
        """Publish pictures for another second; every open page calls this again and again."""
        self._wanted_until = time.monotonic() + 1.0
        self._wanted.set()

    def newest(self) -> LiveUpdate | None:
        """Return the newest answer, None if it is older than STALE_SECONDS."""
        _, update = self.answers.newest()
        return update if update is not None and time.monotonic() - update.at < STALE_SECONDS else None

    def reason(self) -> Reason | None:
        """Return the reason why there is no answer; None if there is one."""
        if self.newest() is not None:
            return None
        camera, live = self.stream.stats(), self.live.stats()
        if not camera.connected:
            return "camera_lost" if camera.error or camera.ended else "starting"
        if live.error is not None:
            return "nothing_learned" if live.nothing_learned else "trouble"
        return "starting"

    def _publish_answers(self) -> None:
        number = 0
        while not self._stop.is_set():
            self.rounds += self._is_progressing()
            answer = self.live.newest(number, _FRAME_WAIT_SECONDS)
            if answer is None:
                self._stop.wait(0.05)
                continue
            number = answer.frame.number
            try:
                self.answers.publish(self._update_of(answer))
            except Exception:
                # The page misses one answer; the loop continues.
                _log.exception("a live answer could not be published")
            self._stop.wait(UPDATE_SECONDS if self._watched() else UNWATCHED_UPDATE_SECONDS)

    def _is_progressing(self) -> bool:
        """Return whether the live loop answers, or has a reason not to."""
        live, now = self.live.stats(), time.monotonic()
        idle = live.error is not None or not self.stream.stats().connected
        if idle or live.answered != self._answered:
            self._answered, self._answered_at = live.answered, now
        return now - self._answered_at < STUCK_SECONDS

    def _update_of(self, live: LiveAnswer) -> LiveUpdate:
        image = analyse_with_feature(live.frame.pixels, live.feature, live.answer.milliseconds)
        key = self._on_answer(image, live.shown.answer or live.answer)
        return LiveUpdate(key, live.frame.number, live.answer, live.shown, live.frame.at)

    def _publish_pictures(self) -> None:
        number = 0
        while True:
            self._wanted.wait()
            if self._stop.is_set():
                return
            if time.monotonic() > self._wanted_until:
                self._wanted.clear()
                continue
            began = time.monotonic()
            frame = self.stream.newest(number, _FRAME_WAIT_SECONDS)
            if frame is None:
                self._stop.wait(0.05)
                continue
            number = frame.number
            self.pictures.publish(jpeg_of(frame.pixels, max(frame.pixels.shape)))
            self._stop.wait(max(0.0, PICTURE_SECONDS - (time.monotonic() - began)))


def stats_of(camera_loop: CameraLoop | None) -> tuple[CameraStats | None, LiveStats | None]:
    """Return the statistics of a camera and of its live loop.

    Args:
        camera_loop: None if there is no camera.

    Returns:
        Both statistics; None for both if there is no camera.
    """
    if camera_loop is None:
        return None, None
    return camera_loop.stream.stats(), camera_loop.live.stats()


def shown_json(shown: StableAnswer) -> dict[str, Any] | None:
    """Convert a stable answer to JSON values.

    Args:
        shown: the answer that a display should show.

    Returns:
        The fields of the API's ShownMessage; None while there is no answer.
    """
    answer = shown.answer
    if answer is None:
        return None
    return {
        "label": answer.label,
        "confidence": answer.confidence,
        "probability": answer.probability,
        "unknown_probability": answer.unknown_probability,
        "unknown": answer.unknown,
        "top": [asdict(one) for one in answer.top],
        "since_seconds": max(0.0, time.monotonic() - shown.since),
        "frames": shown.frames,
    }


def _note(event: str) -> None:
    _log.info(event)
