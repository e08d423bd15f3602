"""Let commands suffer faults, and check what is left of their stores."""

import os
import pickle
import random
import shutil
import signal
import sqlite3
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.torture.faults import arm, seen
from tests.torture.verbs import CHANGING_NOTHING, VERBS, snapshot

from edge_tosca.errors import EdgeToscaError

_HANGING_SECONDS = 60.0
_TOLD, _UNTOLD, _HUNG = 3, 4, 5
_DONE = b"done"


@dataclass(frozen=True)
class Trial:
    """One fault.

    Attributes:
        verb: a key of VERBS.
        fault: one of MODES.
        at: number of the change that failed.
        chance: seed of what a power cut took back.
        left: "before" or "after", the generation that the store was left at; "" where it is neither.
        told: the command told an error in a line of its own.
        fault_found: what is wrong; "" for nothing.
    """

    verb: str
    fault: str
    at: int
    chance: int
    left: str
    told: bool
    fault_found: str

    def to_json(self) -> dict[str, Any]:
        """Give the trial as a JSON object."""
        return asdict(self)


class Harness:
    """Runs commands in forked children, each on a fresh copy of its store.

    Args:
        folder: empty, for the stores.
        seed: of all faults.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._before: dict[str, Any] = {}
        self._after: dict[str, Any] = {}
        self._changes: dict[str, int] = {}
        for verb, (make, run) in VERBS.items():
            origin = folder / verb
            origin.mkdir()
            if make is not None:
                make(origin / "shop.tosca")
            self._before[verb] = snapshot(origin / "shop.tosca")
            clean = self._copy(verb)
            status, told = _in_child(partial(run, clean), clean.parent, 0, "count", 0)
            if status or not told["done"]:
                raise RuntimeError(f"{verb} fails without any fault: {told}")
            self._changes[verb] = told["changes"]
            self._after[verb] = snapshot(clean)
            if (self._before[verb] == self._after[verb]) != (verb in CHANGING_NOTHING) or not told["changes"]:
                raise RuntimeError(f"{verb} changes nothing, or its changes are not seen")

    def run(self, faults: Sequence[str], count: int) -> list[Trial]:
        """Draw faults for all verbs in turn: each change of each verb before any of them twice.

        Args:
            faults: modes to draw from.
            count: how many.

        Returns:
            What became of each.
        """
        chance = random.Random(f"{self._seed} {' '.join(faults)}")
        points = [
            (verb, fault, at)
            for verb, most in self._changes.items()
            for fault in faults
            for at in range(1, most + 1)
        ]
        drawn: list[tuple[str, str, int]] = []
        while len(drawn) < count:
            drawn += chance.sample(points, len(points))
        return [self.suffer(*point, chance.getrandbits(31)) for point in drawn[:count]]

    def suffer(self, verb: str, fault: str, at: int, chance: int) -> Trial:
        """Run one command with one fault, and look at its store.

        Args:
            verb: a key of VERBS.
            fault: one of MODES.
            at: number of the change that fails, from 1.
            chance: seed of what a power cut takes back.

        Returns:
            What became of it.
        """
        store, run = self._copy(verb), VERBS[verb][1]
        status, told = _in_child(partial(run, store), store.parent, at, fault, chance)
        if fault == "cut":
            # The index of the log lives in memory that the power cut took.
            Path(f"{store}-shm").unlink(missing_ok=True)
        left, wrong = self._judge(verb, store, status, told)
        return Trial(verb, fault, at, chance, left, status == _TOLD, wrong)

    def _judge(self, verb: str, store: Path, status: int, told: dict[str, Any]) -> tuple[str, str]:
        if status not in (0, _TOLD, -signal.SIGKILL):
            hung = "it hangs" if status == _HUNG else f"status {status}"
            return "", f"the command broke: {told.get('error', hung)}"
        try:
            found = snapshot(store)
        except (EdgeToscaError, ValueError, sqlite3.Error) as error:
            return "", f"the store cannot be read: {error}"
        if found not in (self._before[verb], self._after[verb]):
            return "", "the store is neither as before nor as after the command"
        left = "after" if found == self._after[verb] else "before"
        if told["done"] and left == "before":
            return left, "the command said it was done, and its generation is lost"
        if left == "before":
            # What failed once must not stand in the way of doing it again.
            status, told = _in_child(partial(VERBS[verb][1], store), store.parent, 0, "count", 0)
            if status or snapshot(store) != self._after[verb]:
                return left, f"the command does not succeed afterwards: {told.get('error', status)}"
        return left, ""

    def _copy(self, verb: str) -> Path:
        target = self._folder / "suffering"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self._folder / verb, target)
        return target / "shop.tosca"


def table(trials: Sequence[Trial]) -> str:
    """Write a Markdown table of trials by verb and fault."""
    faults = list(dict.fromkeys(trial.fault for trial in trials))
    cells = Counter((trial.verb, trial.fault, trial.left or "harmed") for trial in trials)
    lines = ["| command | " + " | ".join(faults) + " |", "|---" * (len(faults) + 1) + "|"]
    for verb in VERBS:
        row = []
        for fault in faults:
            counts = [cells[verb, fault, left] for left in ("before", "after", "harmed")]
            row.append("{} / {}".format(*counts) + (f" / **{counts[2]}**" if counts[2] else ""))
        lines.append(f"| {verb} | " + " | ".join(row) + " |")
    lines.append("")
    lines.append("Stores left as before / as after the command.")
    return "\n".join(lines)


def _in_child(
    run: Callable[[Callable[[], None]], None], folder: Path, at: int, fault: str, chance: int
) -> tuple[int, dict[str, Any]]:
    """Run a command in a forked child, and give its exit status and what it said of itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status, said = 0, {}
        try:
            arm(folder, at, fault, chance)
            run(lambda: os.write(writing, _DONE))
        except EdgeToscaError as error:
            status, said = _TOLD, {"error": str(error)}
        except BaseException:
            status, said = _UNTOLD, {"error": traceback.format_exc()}
        os.write(writing, pickle.dumps({**said, "changes": seen()}))
        os._exit(status)
    os.close(writing)
    status = _status(child)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    rest = said.removeprefix(_DONE)
    return status, {"done": said != rest, **(pickle.loads(rest) if rest else {})}


def _status(child: int) -> int:
    """Wait for a child; one that hangs is killed and told of as such."""
    end = time.monotonic() + _HANGING_SECONDS
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return _HUNG
        time.sleep(0.002)
