"""A real `edge-tosca serve` on a free loopback port, and its API for what is not done through the page."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

_PATIENCE = 90.0


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A server of a store, which can be stopped and started again on its port.

    Args:
        store: of the learner.
        environment: of the process.
        options: more of the command line.
        token: that it asks for.
    """

    def __init__(
        self, store: Path, environment: Mapping[str, str], *options: object, token: str | None = None
    ) -> None:
        self.store = store
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = token
        self._environment = {**environment, **({} if token is None else {"EDGE_TOSCA_TOKEN": token})}
        self._options = [str(option) for option in options]
        self._log = store.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "edge_tosca", "serve", str(self.store)]
        command += ["--listen", f"127.0.0.1:{self.port}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._options], stdout=log, stderr=log, env=self._environment
            )
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self.get("/health")
                return
            except (urllib.error.URLError, ConnectionError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the server did not start: {self._log.read_text()}") from error
                time.sleep(0.1)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None, "")

    def post(self, path: str, values: Mapping[str, Any]) -> Any:
        return self.change("POST", path, values)

    def change(self, method: str, path: str, values: Mapping[str, Any]) -> Any:
        return self._ask(method, path, json.dumps(values).encode(), "application/json")

    def teach(self, pictures: Mapping[str, Iterable[Path]]) -> dict[str, Any]:
        """Teach classes past the page, and give the report."""
        self.queue(pictures)
        return self.learn()

    def queue(self, pictures: Mapping[str, Iterable[Path]]) -> None:
        """Let pictures wait to be taught, past the page."""
        for label, paths in pictures.items():
            for path in paths:
                self._ask("POST", f"/queue?label={quote(label)}&force=1", path.read_bytes(), "image/jpeg")

    def learn(self) -> dict[str, Any]:
        """Teach what waits, past the page, and give the report."""
        job = self.finish(self.post("/learn", {"labels": None, "task": None, "force": False})["job"])
        report: dict[str, Any] = job["report"]
        return report

    def finish(self, key: str) -> Any:
        """Wait until a lesson is over."""
        deadline = time.monotonic() + _PATIENCE
        while (job := self.get(f"/jobs?id={key}"))["state"] == "running":
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
        assert job["state"] == "done", job
        return job

    def wait_for_unknown(self, pictures: int = 1, groups: int = 1) -> str:
        """Wait until the inbox has groups of so many unknown pictures, and give the first one's id."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = [one for one in self.get("/inbox")["groups"] if len(one["pictures"]) >= pictures]
            if len(found) >= groups:
                return str(found[0]["id"])
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def labels(self) -> list[str]:
        """The classes that are known."""
        return [one["label"] for one in self.get("/classes")["classes"]]

    def _ask(self, method: str, path: str, body: bytes | None, kind: str) -> Any:
        headers = {"Content-Type": kind} if kind else {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.url}/api/v1{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return json.load(answer)
