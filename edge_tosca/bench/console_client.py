"""A client of the console: the requests of a page and of a metrics collector, over HTTP."""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote

from edge_tosca.errors import EdgeToscaError

_TIMEOUT = 60.0
_POLL_SECONDS = 0.2
_PATIENCE = 10


class ConsoleClient:
    """Sends requests to one console, one at a time.

    Args:
        port: on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def request(
        self, method: str, path: str, body: bytes | Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """Send a request, and again if the console is busy.

        Args:
            method: of HTTP.
            path: below /api/v1.
            body: a JPEG file, or an object that is sent as JSON.

        Returns:
            The answer.

        Raises:
            EdgeToscaError: the console refuses.
            OSError: there is no answer.
        """
        kind = "image/jpeg" if isinstance(body, bytes) else "application/json"
        data = json.dumps(body).encode() if isinstance(body, Mapping) else body
        for trial in range(_PATIENCE):
            try:
                self._connection.request(method, f"/api/v1{path}", data, {"Content-Type": kind})
                response = self._connection.getresponse()
                text = response.read()
            except (http.client.HTTPException, OSError):
                # The console closes connections that were idle for a while, and those that it refuses.
                self._connection.close()
                if trial == _PATIENCE - 1:
                    raise
                time.sleep(_POLL_SECONDS)
                continue
            if response.status != 429:
                break
            time.sleep(float(response.headers.get("Retry-After", "1")))
        value: dict[str, Any] = json.loads(text) if text else {}
        if response.status >= 400:
            raise EdgeToscaError(f"{method} {path}: {response.status} {value.get('error', value)}")
        return value

    def teach(self, label: str, pictures: list[bytes]) -> float:
        """Queue pictures of a class, learn them, and roll back.

        Args:
            label: the class.
            pictures: JPEG files.

        Returns:
            Seconds from the first picture to the end of the lesson.

        Raises:
            EdgeToscaError: the console refuses.
        """
        begun = time.monotonic()
        for picture in pictures:
            self.request("POST", f"/queue?label={quote(label)}&force=1", picture)
        job = self.request("POST", "/learn", {"labels": [label], "force": True})["job"]
        while (progress := self.request("GET", f"/jobs?id={quote(job)}"))["state"] == "running":
            time.sleep(_POLL_SECONDS)
        if progress["state"] != "done":
            raise EdgeToscaError(f"the lesson ended as {progress['state']}: {progress['error']}")
        took = time.monotonic() - begun
        self.request("POST", "/rollback", {})
        return took


class EventCounter:
    """Reads the live view as a page does, and counts the answers that it gets.

    Args:
        port: on this machine.
    """

    def __init__(self, port: int) -> None:
        self.events = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name="page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._ended.set()
        self._thread.join(_TIMEOUT)

    def _read(self) -> None:
        self._connection.request("GET", "/api/v1/live/events")
        with self._connection.getresponse() as response:
            while not self._ended.is_set():
                line = response.readline()
                if not line:
                    return
                self.events += line.startswith(b"data:")
