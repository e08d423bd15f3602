"""What encryption costs: opening, the first answer, a lesson and the file, with a key and without.

Features and modules are drawn, as large as those of the built-in backbone; stores of every kind are timed in
turns, in processor time, which does not count other programs.
"""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from tests.benchmarks.large_store import CLASSES, D, make

from edge_tosca.bench.table import as_table
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.learner.model import Model
from edge_tosca.store.encryption import encrypt, rekey
from edge_tosca.store.store import Store

TASKS = (10, 100)
"""Of the stores, ten classes each."""

_LESSONS = 1
_OPENINGS = 9

Stores = Mapping[str, tuple[Path, Path | None]]
"""Kind to the store and its key."""


Figures = dict[str, dict[str, str]]
"""Kind of store to operation to its cost."""


def measure(tasks: Sequence[int] = TASKS) -> dict[int, Figures]:
    """Time the operations on stores of every kind.

    Args:
        tasks: of the stores.

    Returns:
        The figures, by the number of tasks.
    """
    with tempfile.TemporaryDirectory() as folder:
        return {count: _measured(Path(folder) / str(count), count, min(tasks)) for count in tasks}


def markdown(found: Mapping[int, Figures]) -> str:
    """Lay out the figures, a row an operation and a column a store.

    Args:
        found: of `measure`.

    Returns:
        Markdown.
    """
    columns = [
        (f"{CLASSES * tasks} classes, {kind}", values)
        for tasks, figures in found.items()
        for kind, values in figures.items()
    ]
    operations = dict.fromkeys(name for _, values in columns for name in values)
    rows = [[name, *(values.get(name, "") for _, values in columns)] for name in operations]
    return as_table(["", *(head for head, _ in columns)], rows)


def _measured(folder: Path, tasks: int, smallest: int) -> Figures:
    stores = _stores(folder, tasks)
    question = np.abs(np.random.default_rng(1).normal(size=(1, D))).astype(np.float32)

    def opened(path: Path, key: Path | None) -> None:
        Store.open(path, key).close()

    def answered(path: Path, key: Path | None) -> None:
        store = Store.open(path, key)
        Model(store, store.state()).predict(question, 3)
        store.close()

    found: Figures = {kind: {} for kind in stores}
    for name, call in (("open", opened), ("open and first answer, after the backbone", answered)):
        for kind, milliseconds in _in_turns(stores, call, _OPENINGS).items():
            found[kind][name] = f"{milliseconds:.1f} ms"
    for kind, milliseconds in _in_turns(stores, _rewritten, _LESSONS).items():
        found[kind]["write features of 100 pictures, with the audit entry"] = f"{milliseconds:.0f} ms"
    if tasks == smallest:
        for name, change in (
            ("a lesson of 2 classes of 20 pictures", _taught),
            ("forget a class", _forgotten),
        ):
            for kind, milliseconds in _in_turns(stores, change, _LESSONS).items():
                found[kind][name] = f"{milliseconds:.0f} ms"
    for kind, (path, _) in stores.items():
        found[kind]["file"] = f"{path.stat().st_size / 1e6:.2f} MB"
    for name, kind, seconds in _conversions(folder, stores):
        found[kind][name] = f"{seconds:.2f} s"
    return found


def _stores(folder: Path, tasks: int) -> Stores:
    folder.mkdir()
    plain = folder / "plain.tosca"
    make(plain, tasks)
    keys = {"key": folder / "key", "passphrase": folder / "passphrase"}
    keys["key"].write_text(secrets.token_hex(32))
    keys["key"].chmod(0o600)
    keys["passphrase"].write_text("seven words that nobody would ever guess")
    keys["passphrase"].chmod(0o600)
    stores: dict[str, tuple[Path, Path | None]] = {"plain": (plain, None)}
    for kind, key in keys.items():
        path = folder / f"{kind}.tosca"
        shutil.copy(plain, path)
        encrypt(path, key)
        stores[kind] = (path, key)
    return stores


def _in_turns(
    stores: Stores, call: Callable[[Path, Path | None], float | None], repeats: int
) -> dict[str, float]:
    """Return milliseconds of each kind of store, the fastest of its calls."""
    taken: dict[str, list[float]] = {kind: [] for kind in stores}
    for _ in range(repeats):
        for kind, (path, key) in stores.items():
            start = time.process_time()
            own = call(path, key)
            taken[kind].append(1e3 * (time.process_time() - start if own is None else own))
    return {kind: min(milliseconds) for kind, milliseconds in taken.items()}


def _on_a_copy(path: Path, key: Path | None, change: Callable[[Store], object]) -> float:
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    store = Store.open(copy, key)
    start = time.process_time()
    change(store)
    seconds = time.process_time() - start
    store.close()
    copy.unlink()
    return seconds


def _rewritten(path: Path, key: Path | None) -> float:
    def change(store: Store) -> None:
        group = store.state().groups[0]
        rows = store.features(group)
        with store.transaction():
            store.put_features(group, rows)

    return _on_a_copy(path, key, change)


def _taught(path: Path, key: Path | None) -> float:
    rng = np.random.default_rng(2)
    classes = {
        name: LessonClass(
            np.abs(rng.normal(rng.random(D), size=(20, D))).astype(np.float32),
            [f"{name}{number}" for number in range(20)],
        )
        for name in ("new", "newer")
    }
    return _on_a_copy(path, key, lambda store: learn_task(store, Lesson(classes, "lesson"), force=True))


def _forgotten(path: Path, key: Path | None) -> float:
    return _on_a_copy(path, key, lambda store: forget_class(store, "class 0"))


def _conversions(folder: Path, stores: Stores) -> list[tuple[str, str, float]]:
    plain, _ = stores["plain"]
    key, other = folder / "key", folder / "passphrase"
    copy = folder / "converted.tosca"
    shutil.copy(plain, copy)
    steps: list[tuple[str, Callable[[], object], str]] = [
        ("store encrypt", lambda: encrypt(copy, key), "key"),
        ("store rekey", lambda: rekey(copy, other, key), "key"),
        ("store rekey --fresh", lambda: rekey(copy, key, other, fresh=True), "key"),
    ]
    taken = []
    for name, step, kind in steps:
        start = time.process_time()
        step()
        taken.append((name, kind, time.process_time() - start))
    copy.unlink()
    return taken
