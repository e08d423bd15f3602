"""The box's own camera: its stream, the live answers, and what pages are told of both."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from edge_tosca.console.app_state.broadcast import Broadcast
from edge_tosca.console.app_state.image_analysis import AnalysedImage, jpeg_of, keep_sight
from edge_tosca.devices.camera import CameraStats, Stream
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Live, LiveAnswer, LiveStats, StableAnswer
from edge_tosca.results import Answer

TELL_SECONDS = 0.1
"""Between two live answers that are told; no page can show more."""

TELL_UNWATCHED_SECONDS = 1.0
"""The same while no page looks: for the unknown inbox only."""

PICTURE_SECONDS = 1 / 15
"""Between two pictures of the camera that are sent to pages."""

STALE_SECONDS = 3.0
"""After which an answer is not shown any more."""

STUCK_SECONDS = 10.0
"""Without an answer, while the camera gives frames, after which the loop counts as one that hangs."""

_LOOK_SECONDS = 0.5

_log = logging.getLogger("edge_tosca.console")

Reason = Literal["no_camera", "starting", "camera_lost", "nothing_learned", "trouble"]


@dataclass(frozen=True, eq=False)
class LiveUpdate:
    """A live answer as pages are told of it.

    Attributes:
        id: under which its picture can be corrected.
        frame: number of the frame.
        answer: of this frame alone.
        shown: what a display should say.
        at: time.monotonic() of the frame.
    """

    id: str
    frame: int
    answer: Answer
    shown: StableAnswer
    at: float


class Watching:
    """The camera and its live loop, and two threads that make of them what pages see.

    It holds one frame, one picture and one answer; who is slow misses some.

    Attributes:
        stream: of the camera's frames.
        live: the loop that answers them.
        answers: the newest answer.
        pictures: the newest picture, as a JPEG, while a page wants it.
        rounds: of the thread that tells answers; they go on while the camera is away, and stop while the live
            loop hangs.
    """

    def __init__(
        self,
        spec: str,
        open_learner: Callable[[], Learner],
        frames: int,
        on_answer: Callable[[AnalysedImage, Answer], str],
        watched: Callable[[], bool],
    ) -> None:
        """Open nothing yet.

        Args:
            spec: names the camera.
            open_learner: opens the learner of the live loop.
            frames: of a burst.
            on_answer: takes each answer that is told, and its picture, and gives it an id.
            watched: whether a page looks.
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
            threading.Thread(target=self._tell_answers, name="telling", daemon=True),
            threading.Thread(target=self._make_pictures, name="pictures", daemon=True),
        ]

    def start(self) -> None:
        """Begin to read the camera and to answer."""
        self.stream.start()
        self.live.start()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Let go of the camera."""
        self._stop.set()
        self._wanted.set()
        self.stream.close()
        self.live.close()
        for thread in self._threads:
            thread.join(2.0)

    def want_pictures(self) -> None:
        """Make pictures of the camera for a second more; asked again by every page that looks."""
        self._wanted_until = time.monotonic() + 1.0
        self._wanted.set()

    def newest(self) -> LiveUpdate | None:
        """Give the newest answer, if it is of a moment ago."""
        _, told = self.answers.newest()
        return told if told is not None and time.monotonic() - told.at < STALE_SECONDS else None

    def reason(self) -> Reason | None:
        """Say why there is no answer; None where there is one."""
        if self.newest() is not None:
            return None
        camera, live = self.stream.account(), self.live.account()
        if not camera.connected:
            return "camera_lost" if camera.error or camera.ended else "starting"
        if live.error is not None:
            return "nothing_learned" if "knows no class yet" in live.error else "trouble"
        return "starting"

    def _tell_answers(self) -> None:
        number = 0
        while not self._stop.is_set():
            self.rounds += self._goes_on()
            answer = self.live.newest(number, _LOOK_SECONDS)
            if answer is None:
                self._stop.wait(0.05)
                continue
            number = answer.frame.number
            try:
                self.answers.tell(self._told(answer))
            except Exception:
                # The page misses one answer; the box goes on.
                _log.exception("a live answer could not be told")
            self._stop.wait(TELL_SECONDS if self._watched() else TELL_UNWATCHED_SECONDS)

    def _goes_on(self) -> bool:
        """Say whether the live loop answers, or has a reason not to."""
        live, now = self.live.account(), time.monotonic()
        idle = live.error is not None or not self.stream.account().connected
        if idle or live.answered != self._answered:
            self._answered, self._answered_at = live.answered, now
        return now - self._answered_at < STUCK_SECONDS

    def _told(self, live: LiveAnswer) -> LiveUpdate:
        seen = keep_sight(live.frame.pixels, live.feature, live.answer.milliseconds)
        key = self._on_answer(seen, live.shown.answer or live.answer)
        return LiveUpdate(key, live.frame.number, live.answer, live.shown, live.frame.at)

    def _make_pictures(self) -> None:
        number = 0
        while True:
            self._wanted.wait()
            if self._stop.is_set():
                return
            if time.monotonic() > self._wanted_until:
                self._wanted.clear()
                continue
            began = time.monotonic()
            frame = self.stream.newest(number, _LOOK_SECONDS)
            if frame is None:
                self._stop.wait(0.05)
                continue
            number = frame.number
            self.pictures.tell(jpeg_of(frame.pixels, max(frame.pixels.shape)))
            self._stop.wait(max(0.0, PICTURE_SECONDS - (time.monotonic() - began)))


def accounts(watching: Watching | None) -> tuple[CameraStats | None, LiveStats | None]:
    """Give the accounts of a camera and its loop; None where there is no camera."""
    if watching is None:
        return None, None
    return watching.stream.account(), watching.live.account()


def shown_json(shown: StableAnswer) -> dict[str, Any] | None:
    """Give what a display should say as plain values."""
    answer = shown.answer
    if answer is None:
        return None
    return {
        "label": answer.label,
        "confidence": answer.confidence,
        "unknown": answer.unknown,
        "top": [{"label": one.label, "confidence": one.confidence} for one in answer.top],
        "since_seconds": max(0.0, time.monotonic() - shown.since),
        "frames": shown.frames,
    }


def _note(event: str) -> None:
    _log.info(event)
