"""A GPIO line whose edge asks for a look, as of a light barrier or a push button."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol

from edge_tosca.errors import EdgeToscaError, MissingExtraError

DEBOUNCE_SECONDS = 0.02
"""Edges within this time after one are those of the same contact."""

_WAIT_SECONDS = 0.5
_CLOSING_SECONDS = 2.0
_LINE = re.compile(r"(/dev/[\w./-]+):(\d{1,4})(?::(rising|falling|both))?", re.ASCII)

Edge = Literal["rising", "falling", "both"]


@dataclass(frozen=True)
class GpioLine:
    """A line of a chip.

    Attributes:
        chip: its device file.
        offset: number of the line in the chip.
        edge: which change of the line counts.
    """

    chip: str
    offset: int
    edge: Edge

    @classmethod
    def parse(cls, text: str) -> "GpioLine":
        """Read a line as a user writes it.

        Args:
            text: /dev/gpiochip0:17, :falling or :both after it; rising otherwise.

        Raises:
            EdgeToscaError: it names no line.
        """
        found = _LINE.fullmatch(text.strip())
        if found is None:
            raise EdgeToscaError(
                f"--look-gpio {text[:60]!r}: write the chip and the line, as in /dev/gpiochip0:17 or "
                "/dev/gpiochip0:17:falling; gpioinfo lists them"
            )
        edges: dict[str, Edge] = {"rising": "rising", "falling": "falling", "both": "both"}
        return cls(found[1], int(found[2]), edges[found[3] or "rising"])


class Request(Protocol):
    """An open line, as gpiod 2 gives it."""

    def wait_edge_events(self, timeout: timedelta) -> bool:
        """Wait for edges; return whether there are some."""
        ...

    def read_edge_events(self) -> list[Any]:
        """Return the edges that wait."""
        ...

    def release(self) -> None:
        """Close the line."""
        ...


class GpioLook:
    """Waits for the edges of a line in a thread of its own.

    Args:
        line: as `GpioLine.parse` reads it.
        look: called in the thread at each edge; at most once in DEBOUNCE_SECONDS.
        on_event: called in the thread with one line when the line is lost.
        open_line: opens the line; gpiod by default.

    Raises:
        EdgeToscaError: there is no such line, or it is in use.
        MissingExtraError: gpiod is not installed.
    """

    def __init__(
        self,
        line: str,
        look: Callable[[], None],
        on_event: Callable[[str], None],
        open_line: Callable[[GpioLine], Request] | None = None,
    ) -> None:
        self._line = GpioLine.parse(line)
        self._look, self._on_event = look, on_event
        self._request = (open_line or _open)(self._line)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gpio", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop waiting and release the line."""
        self._stop.set()
        self._thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        last = -DEBOUNCE_SECONDS
        try:
            while not self._stop.is_set():
                if not self._request.wait_edge_events(timedelta(seconds=_WAIT_SECONDS)):
                    continue
                self._request.read_edge_events()
                now = time.monotonic()
                if now - last >= DEBOUNCE_SECONDS:
                    self._look()
                last = now
        except OSError as error:
            if not self._stop.is_set():
                reason = (error.strerror or str(error)).lower()
                self._on_event(f"gpio {self._line.chip}:{self._line.offset}: {reason}; check its wiring")
        finally:
            self._request.release()


def _open(line: GpioLine) -> Request:
    try:
        import gpiod
        from gpiod.line import Edge as GpiodEdge
    except ImportError:
        raise MissingExtraError("gpiod", "gpio") from None
    edge = {"rising": GpiodEdge.RISING, "falling": GpiodEdge.FALLING, "both": GpiodEdge.BOTH}[line.edge]
    settings = gpiod.LineSettings(edge_detection=edge, debounce_period=timedelta(seconds=DEBOUNCE_SECONDS))
    try:
        request: Request = gpiod.request_lines(
            line.chip, consumer="edge-tosca", config={line.offset: settings}
        )
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise EdgeToscaError(
            f"--look-gpio {line.chip}:{line.offset}: cannot be used ({reason}); gpioinfo lists lines and "
            "their users"
        ) from None
    return request
