"""Run a command at each change: one at a time, for a bounded time, and without delaying the loop."""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

from edge_tosca.addresses import ADDRESS_VARIABLES
from edge_tosca.errors import EdgeToscaError
from edge_tosca.live import Place
from edge_tosca.live.place import DEFAULT
from edge_tosca.watch.change import Change

TIMEOUT_SECONDS = 30.0
"""How long a command may run before it and its child processes are killed."""

_CLOSING_SECONDS = 5.0


class Command:
    """Runs a command at every change.

    While it runs, only the newest change of each region waits; earlier ones are dropped. The command gets
    the change as JSON on its standard input and in environment variables. Its output goes to stderr, so that
    it does not mix with the lines of answers.

    Args:
        line: the command and its arguments, split as a shell splits them; no shell runs.
        on_event: called in the command's thread with one line when the command fails, or was too slow for all
            changes.
        timeout: seconds that the command may run.

    Raises:
        EdgeToscaError: the line cannot be split, or names no program.

    Attributes:
        skipped: number of changes that the command never got.
    """

    def __init__(self, line: str, on_event: Callable[[str], None], timeout: float = TIMEOUT_SECONDS) -> None:
        try:
            self._words = shlex.split(line)
        except ValueError as error:
            raise EdgeToscaError(f"--on-change: {str(error).lower()}; check its quotation marks") from None
        if not self._words or shutil.which(self._words[0]) is None:
            program = self._words[0] if self._words else ""
            raise EdgeToscaError(f"--on-change: no program {program!r}; name one that can be run")
        self._on_event = on_event
        self._timeout = timeout
        self._condition = threading.Condition()
        self._waiting: dict[Place, Change] = {}
        self._busy = self._closed = False
        self.skipped = self._reported = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._last_error: str | None = None
        self._thread = threading.Thread(target=self._run, name="on-change", daemon=True)
        self._thread.start()

    def change(self, change: Change) -> None:
        """Run the command for a change, as soon as it does not run for another.

        Args:
            change: the new shown answer.
        """
        with self._condition:
            self.skipped += change.place in self._waiting
            self._waiting[change.place] = change
            self._condition.notify_all()

    def available(self, available: Mapping[Place, bool]) -> None:
        """Ignore the cameras: the command runs for answers only."""

    def close(self) -> None:
        """Wait a few seconds for the last change, then kill the command."""
        with self._condition:
            self._condition.wait_for(lambda: not self._busy and not self._waiting, _CLOSING_SECONDS)
            self._closed, self._waiting = True, {}
            if self._process is not None:
                _kill(self._process)
            self._condition.notify_all()
        self._thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._closed or bool(self._waiting))
                if self._closed or not self._waiting:
                    return
                change, self._busy = self._waiting.pop(next(iter(self._waiting))), True
                skipped, self._reported = self.skipped - self._reported, self.skipped
            if skipped:
                self._on_event(
                    f"--on-change: {self._words[0]} was too slow for {skipped} changes; make it faster"
                )
            error = self._run_once(change)
            # Report a repeated failure only once.
            if error is not None and error != self._last_error:
                self._on_event(error)
            self._last_error = error

    def _run_once(self, change: Change) -> str | None:
        name = self._words[0]
        data = json.dumps(change.to_json()).encode() + b"\n"
        try:
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno(),
                env={**_inherited(), **environment(change)},
                # In a process group of its own, so that its child processes can be killed with it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return f"--on-change: {name} cannot be run ({error}); check its path and permissions"
        with self._condition:
            self._process = process
            if self._closed:
                _kill(process)
        try:
            process.communicate(data, self._timeout)
        except subprocess.TimeoutExpired:
            return f"--on-change: {name} ran for over {self._timeout:g} s and was killed; make it faster"
        finally:
            _kill(process)
            process.wait()
            with self._condition:
                self._process = None
        if process.returncode != 0 and not self._closed:
            return f"--on-change: {name} ended with code {process.returncode}; see what it printed"
        return None


def environment(change: Change) -> dict[str, str]:
    """Return a change as environment variables.

    Args:
        change: the new shown answer.

    Returns:
        Name to value. Control characters, which an untrusted store might hold, are written as escapes.
    """
    answer = change.answer
    values = {
        "LABEL": answer.label,
        "CONFIDENCE": f"{answer.confidence:.4f}",
        "PROBABILITY": f"{answer.probability:.4f}",
        "UNKNOWN": str(int(answer.unknown)),
        "TASK": answer.task,
        "TIME": change.time,
        "FRAME": str(change.frame),
        "SEVERITY": change.severity,
    }
    if change.place != DEFAULT:
        # EDGE_TOSCA_CAMERA is a camera's address.
        values |= {"CAMERA_NAME": change.place.camera, "REGION": change.place.region}
    return {f"EDGE_TOSCA_{name}": plain(value) for name, value in values.items()}


def _inherited() -> dict[str, str]:
    # Addresses with passwords, which a command that prints its environment would write to the log.
    return {name: value for name, value in os.environ.items() if name not in ADDRESS_VARIABLES}


def plain(text: str) -> str:
    """Write control characters as escapes.

    Args:
        text: of any origin.
    """
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The process may have ended while its children still run.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
