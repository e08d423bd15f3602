"""Write what was counted to the store once a minute, in a thread of its own."""

import threading
from collections.abc import Callable
from contextlib import closing

from edge_tosca.errors import EdgeToscaError, in_one_line
from edge_tosca.learner.tally import Seen, add_seen
from edge_tosca.live.dwell import Dwell
from edge_tosca.store.store import Store

MINUTE = 60.0

_CLOSING_SECONDS = 5.0


class TallyWriter:
    """Writes the counts of a live loop; a store that does not count drops them.

    What cannot be written is tried again with the next minute's. The store is opened each time, so that one
    that was replaced gets the counts from then on.

    Args:
        dwell: the counts.
        open_store: opens the store; called in the writer's thread.
        on_event: called in the writer's thread with one line when counts cannot be written, or can be again.
        seconds: between two writes.
    """

    def __init__(
        self,
        dwell: Dwell,
        open_store: Callable[[], Store],
        on_event: Callable[[str], None],
        seconds: float = MINUTE,
    ) -> None:
        self._dwell, self._open_store, self._on_event = dwell, open_store, on_event
        self._seconds = seconds
        self._stop = threading.Event()
        self._error: str | None = None
        self._thread = threading.Thread(target=self._run, name="tally", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what was counted since the last minute, and end."""
        self._stop.set()
        self._thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self.write()
        self.write()

    def write(self) -> None:
        """Write what was counted since the last call."""
        amounts = self._dwell.take()
        if not amounts:
            return
        seen = [
            Seen(key.hour, *key.place, key.label, amount.seen, amount.seconds)
            for key, amount in amounts.items()
        ]
        error = None
        try:
            with closing(self._open_store()) as store:
                self._dwell.keep(store.state().labels)
                if not store.read_only:
                    add_seen(store, seen)
        except EdgeToscaError as found:
            self._dwell.put_back(amounts)
            error = in_one_line(found)
        if error != self._error:
            self._on_event(
                "counts are written again" if error is None else f"counts are not written: {error}"
            )
        self._error = error
