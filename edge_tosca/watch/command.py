"""Run a command at each change: one at a time, for a bounded time, and never in the way of the loop."""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

from edge_tosca.errors import EdgeToscaError
from edge_tosca.watch.change import Change

PATIENCE = 30.0
"""Seconds that a command may run before it and what it started are killed."""

_ENDING = 5.0


class Command:
    """Runs a command whenever it is told a change.

    While it runs, only the newest change waits; those between are left out. The command gets the change as
    JSON on its standard input and in environment variables. What it prints goes to stderr, so that
    it does not mix with the lines of answers.

    Args:
        line: the command and its arguments, split as a shell splits them; no shell runs.
        on_event: told, in one line and from the command's thread, when it fails.
        patience: seconds that it may run.

    Raises:
        EdgeToscaError: the line cannot be split, or names no program.
    """

    def __init__(self, line: str, on_event: Callable[[str], None], patience: float = PATIENCE) -> None:
        try:
            self._words = shlex.split(line)
        except ValueError as error:
            raise EdgeToscaError(f"--on-change: {str(error).lower()}; check its quotation marks") from None
        if not self._words or shutil.which(self._words[0]) is None:
            program = self._words[0] if self._words else ""
            raise EdgeToscaError(f"--on-change: no program {program!r}; name one that can be run")
        self._on_event = on_event
        self._patience = patience
        self._work = threading.Condition()
        self._waiting: Change | None = None
        self._busy = self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._told: str | None = None
        self._thread = threading.Thread(target=self._run, name="on-change", daemon=True)
        self._thread.start()

    def change(self, change: Change) -> None:
        """Run the command for a change as soon as it does not run for another.

        Args:
            change: what is shown now.
        """
        with self._work:
            self._waiting = change
            self._work.notify_all()

    def available(self, available: bool) -> None:
        """Take no note of the camera: a command is told answers only."""

    def close(self) -> None:
        """Let the command finish its last change, for a few seconds, and end it."""
        with self._work:
            self._work.wait_for(lambda: not self._busy and self._waiting is None, _ENDING)
            self._closed, self._waiting = True, None
            if self._process is not None:
                _kill(self._process)
            self._work.notify_all()
        self._thread.join(_ENDING)

    def _run(self) -> None:
        while True:
            with self._work:
                self._busy = False
                self._work.notify_all()
                self._work.wait_for(lambda: self._closed or self._waiting is not None)
                if self._closed or self._waiting is None:
                    return
                change, self._waiting, self._busy = self._waiting, None, True
            trouble = self._once(change)
            # The same words once, however often it fails.
            if trouble is not None and trouble != self._told:
                self._on_event(trouble)
            self._told = trouble

    def _once(self, change: Change) -> str | None:
        name = self._words[0]
        data = json.dumps(change.to_json()).encode() + b"\n"
        try:
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno(),
                env={**os.environ, **environment(change)},
                # A group of its own, so that what it started can be ended with it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return f"--on-change: {name} cannot be run ({error}); check its path and permissions"
        with self._work:
            self._process = process
            if self._closed:
                _kill(process)
        try:
            process.communicate(data, self._patience)
        except subprocess.TimeoutExpired:
            return f"--on-change: {name} ran for over {self._patience:g} s and was ended; let it do less"
        finally:
            _kill(process)
            process.wait()
            with self._work:
                self._process = None
        if process.returncode != 0 and not self._closed:
            return f"--on-change: {name} ended with code {process.returncode}; see what it printed"
        return None


def environment(change: Change) -> dict[str, str]:
    """Give a change as environment variables.

    Args:
        change: what is shown now.

    Returns:
        Their values by their names. Control characters, which a store made by another hand might hold, are
        written as escapes.
    """
    answer = change.answer
    values = {
        "LABEL": answer.label,
        "CONFIDENCE": f"{answer.confidence:.4f}",
        "UNKNOWN": str(int(answer.unknown)),
        "TASK": answer.task,
        "TIME": change.time,
        "FRAME": str(change.frame),
    }
    return {f"EDGE_TOSCA_{name}": plain(value) for name, value in values.items()}


def plain(text: str) -> str:
    """Write control characters as escapes.

    Args:
        text: of any origin.
    """
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The leader may be gone and its children not.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
