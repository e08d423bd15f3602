"""Send changes to a web server: signed, one at a time, again after failures, without delaying the loop."""

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge_tosca.live import Place
from edge_tosca.watch.change import Change
from edge_tosca.watch.crop_picture import CropPictures
from edge_tosca.watch.delivery import Delivered, Failed, Refused, post
from edge_tosca.watch.receiver import Receiver

MAX_BODY_BYTES = 1_000_000
MAX_WAITING = 100
"""Events that wait for the receiver; the oldest is dropped for a newer one."""

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds before a failed event is sent again; doubled each time."""

PICTURE_SECONDS = 600.0
"""Age at which the picture of a waiting event is dropped; the event itself goes on waiting."""

_CLOSING_SECONDS = 3.0


@dataclass(frozen=True)
class WebhookStats:
    """What became of the events.

    Attributes:
        delivered: accepted by the receiver.
        dropped: given up: refused by the receiver, too many waiting, or not sent at the end.
        waiting: not sent yet.
        pictures_left_out: events sent without the picture that was asked for: too many a minute, too old, or
            too large.
    """

    delivered: int
    dropped: int
    waiting: int
    pictures_left_out: int


@dataclass(eq=False)
class _Waiting:
    delivery: str
    content: dict[str, Any]
    picture: str | None
    since: float


class Webhook:
    """Sends every change to a receiver, in order.

    Args:
        receiver: the address and the secret.
        on_event: called in the sender's thread, and at the end, with one line when events cannot be sent, are
            dropped, or are sent again.
        pictures: with the region as a JPEG, in at most so many events a minute; 0 for none.
        first_wait: seconds before the first repetition.
    """

    def __init__(
        self,
        receiver: Receiver,
        on_event: Callable[[str], None],
        pictures: int = 0,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self._receiver = receiver
        self._on_event = on_event
        self._pictures = CropPictures(pictures)
        self._first_wait = first_wait
        self._condition = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._delivered = self._dropped = self._left_out = 0
        self._reported = self._lost = 0
        self._closed = False
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def change(self, change: Change) -> None:
        """Queue a change for sending.

        Args:
            change: the new shown answer.
        """
        picture = self._pictures.of(change, time.monotonic())
        event = _Waiting(secrets.token_hex(16), change.to_json(), picture, time.monotonic())
        with self._condition:
            self._left_out += self._pictures.wanted and picture is None
            self._waiting.append(event)
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popleft()
                self._dropped += 1
                self._lost += 1
            self._condition.notify_all()

    def available(self, available: Mapping[Place, bool]) -> None:
        """Ignore the cameras: events are sent for answers only."""

    def stats(self) -> WebhookStats:
        """Return what became of the events."""
        with self._condition:
            return WebhookStats(self._delivered, self._dropped, len(self._waiting), self._left_out)

    def close(self) -> None:
        """Wait a few seconds for the events that wait; the rest is dropped, and counted in a line."""
        with self._condition:
            if self._trouble is None:
                self._condition.wait_for(lambda: not self._waiting or self._trouble, _CLOSING_SECONDS)
            self._closed = True
            left = len(self._waiting)
            self._waiting.clear()
            self._dropped += left
            self._condition.notify_all()
        if left:
            self._on_event(f"webhook {self._receiver.name}: {left} events were not sent before the end")
        self._thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        wait = self._first_wait
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                event = self._waiting[0]
            self._report_lost()
            outcome = post(self._receiver, event.delivery, self._body(event))
            with self._condition:
                if self._closed:
                    return
                # The oldest may have been dropped for a newer one meanwhile.
                if not isinstance(outcome, Failed) and self._waiting and self._waiting[0] is event:
                    self._waiting.popleft()
                    self._delivered += isinstance(outcome, Delivered)
                    self._dropped += isinstance(outcome, Refused)
                    self._condition.notify_all()
            self._report(outcome)
            if not isinstance(outcome, Failed):
                wait = self._first_wait
                continue
            with self._condition:
                self._condition.wait_for(lambda: self._closed, wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _body(self, event: _Waiting) -> bytes:
        with self._condition:
            for one in self._waiting:
                if time.monotonic() - one.since > PICTURE_SECONDS:
                    self._leave_out(one)
        body = _encoded(event)
        if len(body) > MAX_BODY_BYTES:
            with self._condition:
                self._leave_out(event)
            body = _encoded(event)
        return body

    def _leave_out(self, event: _Waiting) -> None:
        self._left_out += event.picture is not None
        event.picture = None

    def _report(self, outcome: Delivered | Refused | Failed) -> None:
        trouble = None if isinstance(outcome, Delivered) else outcome.reason
        with self._condition:
            before, self._trouble = self._trouble, trouble
            self._condition.notify_all()
        if trouble == before:
            return
        name = f"webhook {self._receiver.name}"
        if trouble is None:
            self._on_event(f"{name}: events are sent again")
        elif isinstance(outcome, Refused):
            self._on_event(f"{name} {trouble}; its events are dropped")
        else:
            self._on_event(f"{name} {trouble}; trying again")

    def _report_lost(self) -> None:
        with self._condition:
            lost, self._lost = self._lost, 0
        if lost:
            self._on_event(
                f"webhook {self._receiver.name}: {lost} events were dropped, because more than {MAX_WAITING} "
                "waited"
            )


def _encoded(event: _Waiting) -> bytes:
    picture = {} if event.picture is None else {"picture": event.picture}
    return json.dumps({"id": event.delivery, **event.content, **picture}).encode()
