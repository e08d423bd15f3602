"""Two writers and two readers on one store, while writers are killed at moments drawn at random."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.torture.verbs import QUESTIONS, few, locked, reopen, teach

from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.model import Model
from edge_tosca.learner.verification import verify
from edge_tosca.store.schema import BUSY_SECONDS
from edge_tosca.store.store import Store

_WRITERS, _READERS = 2, 2
_LONGEST_LIFE = 1.5
"""Seconds until a writer is killed, at most; a lesson takes about a tenth of that on an idle machine."""

_MOST_CLASSES = 12


@dataclass(frozen=True)
class Crowd:
    """What became of one store.

    Attributes:
        encrypted: the store was.
        kills: of writers.
        generations: that were made.
        told: generations that a writer said were done.
        answers: rounds of questions that readers asked.
        seen: generations that readers answered from.
        faults: what is wrong.
    """

    encrypted: bool
    kills: int
    generations: int
    told: int
    answers: int
    seen: int
    faults: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the numbers as a JSON object."""
        return asdict(self)


def torment(folder: Path, kills: int, seed: int, encrypted: bool = False) -> Crowd:
    """Let two writers change a store and two readers ask it, and kill a writer many times.

    Args:
        folder: empty, for the store and what the processes write down.
        kills: how many.
        seed: of what is done, and of when a writer is killed; the processes' pace is not in it.
        encrypted: encrypt the store.

    Returns:
        What became of it.
    """
    chance = random.Random(f"crowd {seed}")
    store = folder / "shop.tosca"
    (locked(few) if encrypted else few)(store)
    enough = folder / "enough"
    started = 0

    def process(kind: str) -> tuple[subprocess.Popen[str], Path]:
        nonlocal started
        started += 1
        notes = folder / f"{kind}{started}.jsonl"
        command = ["-m", "tests.torture.crowd", kind, store, notes, enough, chance.getrandbits(31)]
        # A crowd suffers from kills alone: what fails writes is for single commands.
        env = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
        return subprocess.Popen(
            [sys.executable, *map(str, command)], env=env, stderr=subprocess.PIPE, text=True
        ), notes

    readers = [process("read") for _ in range(_READERS)]
    writers = [process("write") for _ in range(_WRITERS)]
    all_notes = [notes for _, notes in (*readers, *writers)]
    faults: list[str] = []
    for _ in range(kills):
        doomed = chance.randrange(_WRITERS)
        writer, notes = writers[doomed]
        _wait_for(notes, writer)
        time.sleep(chance.uniform(0, _LONGEST_LIFE))
        writer.send_signal(signal.SIGKILL)
        faults += _ended(writer, -signal.SIGKILL)
        faults += _whole(store, solve=False)
        writers[doomed] = process("write")
        all_notes.append(writers[doomed][1])
    _wait_for(*reversed(writers[0]))
    enough.touch()
    for ended, _ in (*writers, *readers):
        faults += _ended(ended, 0)
    faults += _whole(store, solve=True)
    entries = [entry for notes in all_notes for entry in _lines(notes)]
    return _judge(store, entries, kills, faults, encrypted)


def hold(folder: Path) -> float:
    """Let one process keep the store for itself, and measure when another that wants to write is told so.

    Args:
        folder: empty, for the store.

    Returns:
        Seconds until it was told; `BUSY_SECONDS` is the bound that is stated.
    """
    few(folder / "held.tosca")
    with sqlite3.connect(folder / "held.tosca", isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        store = reopen(folder / "held.tosca")
        start = time.monotonic()
        try:
            forget_class(store, "apple")
        except EdgeToscaError as error:
            if f"another process has been writing for {BUSY_SECONDS:.0f} seconds" not in str(error):
                raise
            return time.monotonic() - start
        finally:
            store.close()
            holder.execute("ROLLBACK")
    raise RuntimeError("the writer was let in while another one wrote")


def crowd_table(crowds: Sequence[Crowd]) -> str:
    """Write a Markdown table of crowds, plain and encrypted stores apart."""
    lines = [
        "| two writers, two readers | stores | kills | generations | rounds of answers | harm |",
        "|---" * 6 + "|",
    ]
    for encrypted in (False, True):
        some = [crowd for crowd in crowds if crowd.encrypted == encrypted]
        cells = (
            "encrypted" if encrypted else "plain",
            len(some),
            sum(crowd.kills for crowd in some),
            sum(crowd.generations for crowd in some),
            sum(crowd.answers for crowd in some),
            sum(len(crowd.faults) for crowd in some),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _judge(
    path: Path, entries: list[dict[str, Any]], kills: int, faults: list[str], encrypted: bool
) -> Crowd:
    store = reopen(path)
    history = store.history()
    store.close()
    if [entry.number for entry in history] != list(range(1, len(history) + 1)):
        faults.append("the generations are not numbered one after another")
    made = {entry.number: entry.command for entry in history}
    told = [entry for entry in entries if "done" in entry]
    faults += [
        f"generation {entry['done']} was done, and is lost"
        for entry in told
        if made.get(entry["done"]) != entry["command"]
    ]
    answers: dict[int, set[str]] = {}
    asked = [entry for entry in entries if "answers" in entry]
    for entry in asked:
        answers.setdefault(entry["generation"], set()).add(entry["answers"])
        if entry["answers"] != entry["anew"]:
            faults.append(f"a long-running reader answers otherwise than a new one: {entry['generation']}")
    faults += [
        f"generation {number} answers in two ways" for number, said in answers.items() if len(said) > 1
    ]
    faults += [f"a {entry['kind']} failed: {entry['error']}" for entry in entries if "error" in entry]
    return Crowd(encrypted, kills, len(history), len(told), len(asked), len(answers), tuple(faults))


def _write(path: Path, note: Callable[[dict[str, Any]], None], enough: Path, chance: random.Random) -> None:
    store = reopen(path)
    while not enough.exists():
        labels = store.state().labels
        number = chance.randrange(1 << 20)
        command, change = chance.choice(_changes(store, labels, number, chance))
        try:
            generation = change()
        except EdgeToscaError as error:
            # The other one was quicker and the class is gone, or readers still read from the log.
            if not any(words in str(error) for words in _LAWFUL):
                raise
            continue
        note({"done": generation, "command": command})


_LAWFUL = ("has no class", "is taken", "still reads the log")


def _changes(
    store: Store, labels: tuple[str, ...], number: int, chance: random.Random
) -> list[tuple[str, Callable[[], int]]]:
    def learn() -> int:
        teach(store, f"task {number}", {f"new {number}": 4, f"more {number}": 5})
        return next(entry.number for entry in store.history() if entry.report.get("task") == f"task {number}")

    def forget() -> int:
        return forget_class(store, chance.choice(labels))

    def rename() -> int:
        return rename_class(store, chance.choice(labels), f"named {number}", merge=False)

    changes: list[tuple[str, Callable[[], int]]] = [("rename", rename)]
    if len(labels) < _MOST_CLASSES:
        changes += [("learn", learn), ("learn", learn)]
    if len(labels) > _MOST_CLASSES // 3:
        changes += [("forget", forget)]
    changes += [("rollback", lambda: rollback(store, max(store.latest() - 2, 1)))]
    return changes


def _read(path: Path, note: Callable[[dict[str, Any]], None], enough: Path, chance: random.Random) -> None:
    store = reopen(path)
    model: Model | None = None
    while not enough.exists():
        with store.snapshot():
            state = store.state()
            # As `Learner.model` does: what is known already is kept until there is a new generation.
            if model is None or model.state.generation != store.latest():
                model = Model(store, state)
            if not state.tasks:
                continue
            said, anew = _said(model), _said(Model(store, state))
        note({"generation": state.generation, "answers": said, "anew": anew})


def _said(model: Model) -> str:
    answers = model.predict(QUESTIONS, 5)
    return repr([(answer.top, answer.unknown, answer.familiarity, answer.task) for answer in answers])


def _whole(path: Path, solve: bool) -> list[str]:
    try:
        store = reopen(path)
        try:
            return list(verify(store, solve=solve).discrepancies)
        finally:
            store.close()
    except (EdgeToscaError, sqlite3.Error) as error:
        return [f"the store cannot be read: {error}"]


def _wait_for(notes: Path, process: subprocess.Popen[str]) -> None:
    while not notes.exists() and process.poll() is None:
        time.sleep(0.01)


def _ended(process: subprocess.Popen[str], code: int) -> list[str]:
    _, told = process.communicate(timeout=10 * BUSY_SECONDS)
    if process.returncode == code and not told:
        return []
    return [f"a process ended with {process.returncode}: {told.strip().splitlines()[-1:]}"]


def _lines(notes: Path) -> list[dict[str, Any]]:
    # The last line of a killed process may be half a line, and one without an end is none.
    lines = notes.read_text().split("\n")[:-1] if notes.exists() else []
    return [json.loads(line) for line in lines]


def _main(kind: str, path: str, notes: str, enough: str, seed: str) -> None:
    with Path(notes).open("w", buffering=1) as file:

        def note(entry: dict[str, Any]) -> None:
            file.write(json.dumps(entry) + "\n")

        work = {"write": _write, "read": _read}[kind]
        try:
            work(Path(path), note, Path(enough), random.Random(int(seed)))
        except BaseException:
            note({"kind": kind, "error": traceback.format_exc()})


if __name__ == "__main__":
    _main(*sys.argv[1:])
