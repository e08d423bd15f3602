"""Follow a fleet beside a program that answers: a thread with a connection to the store of its own."""

import threading
from collections.abc import Callable
from pathlib import Path

from edge_tosca.errors import EdgeToscaError
from edge_tosca.packs.fleet.following import connected_box, take_up_share
from edge_tosca.packs.fleet.membership import is_member
from edge_tosca.store.store import Store

_STEP_SECONDS = 1.0
_AGAIN_SECONDS = 30.0


class FleetFollower:
    """Follows the fleet of a store's box, if it belongs to one.

    Args:
        store: path of the store.
        key_file: with its key.
        log: called with lines about what is done; in the thread of the follower.

    Attributes:
        erasures_since: until when the box knows of erasures, ISO 8601, UTC; "" for never.
    """

    def __init__(self, store: Path, key_file: Path | None, log: Callable[[str], None]) -> None:
        self._store, self._key_file, self._log = store, key_file, log
        self._known, self._ended = threading.Event(), threading.Event()
        self._error: EdgeToscaError | None = None
        self.erasures_since = ""
        self._thread: threading.Thread | None = None
        if is_member(store):
            self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
            self._thread.start()

    def await_erasures(self, seconds: float | None) -> bool:
        """Wait until what was deleted from the fleet is erased here.

        Args:
            seconds: at most; None for as long as it takes.

        Returns:
            Whether the broker has said what was deleted; also where the box belongs to no fleet.

        Raises:
            EdgeToscaError: the box cannot follow its fleet, as after it was revoked, and is to wait for as
                long as it takes.
        """
        if self._thread is None:
            return True
        known = self._known.wait(seconds)
        if self._error is not None:
            # In a shop the box goes on answering; the line of the error was logged.
            if seconds is None:
                raise self._error
            return False
        if not known:
            since = self.erasures_since or "it joined"
            self._log(f"the fleet's broker cannot be reached; no news of erasures since {since}")
        return known

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_AGAIN_SECONDS)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except EdgeToscaError as error:
                self._log(f"fleet: {error}")
                if not self._known.is_set():
                    self._error = error
                    self._known.set()
            self._ended.wait(_AGAIN_SECONDS)

    def _follow(self) -> None:
        store = Store.open(self._store, self._key_file)
        try:
            with connected_box(store, self._key_file, self._log) as box:
                self.erasures_since = box.records.note("erasures since")
                while not self._ended.is_set():
                    take_up_share(box)
                    box.step(_STEP_SECONDS)
                    if box.settled and not box.holder.unscrubbed:
                        self._known.set()
                    self.erasures_since = box.records.note("erasures since")
        finally:
            store.close()
