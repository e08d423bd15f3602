"""What encryption costs: opening, the first answer, a lesson and the file, with a key and without.

`python -m edge_tosca.bench.encryption` prints a Markdown table. Features and modules are drawn, as large as
those of the built-in backbone; stores of every kind are timed in turns. Times are of the
processor, which does not run while others do.
"""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from edge_tosca.bench.large_store import CLASSES, D, make
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.model import Model
from edge_tosca.store.encryption import encrypt, rekey
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread

_TASKS = (10, 100)
_LESSONS = 1
_OPENINGS = 9

Stores = Mapping[str, tuple[Path, Path | None]]
"""Kind to the store and its key."""


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, one_blas_thread():
        columns = [_measure(Path(folder) / str(tasks), tasks) for tasks in _TASKS]
    heads = [
        f"{CLASSES * tasks} classes, {kind}"
        for tasks, column in zip(_TASKS, columns, strict=True)
        for kind in column
    ]
    print("| | " + " | ".join(heads) + " |\n" + "|---" * (len(heads) + 1) + "|")
    rows = dict.fromkeys(row for values in columns[0].values() for row in values)
    for row in rows:
        cells = [values.get(row, "") for column in columns for values in column.values()]
        print(f"| {row} | " + " | ".join(cells) + " |")


def _measure(folder: Path, tasks: int) -> dict[str, dict[str, str]]:
    stores = _stores(folder, tasks)
    question = np.abs(np.random.default_rng(1).normal(size=(1, D))).astype(np.float32)

    def opened(path: Path, key: Path | None) -> None:
        Store.open(path, key).close()

    def answered(path: Path, key: Path | None) -> None:
        store = Store.open(path, key)
        Model(store, store.state()).predict(question, 3)
        store.close()

    found: dict[str, dict[str, str]] = {kind: {} for kind in stores}
    for name, call in (("opened", opened), ("opened and first question answered", answered)):
        for kind, milliseconds in _in_turns(stores, call, _OPENINGS).items():
            found[kind][name] = f"{milliseconds:.1f} ms"
    for kind, milliseconds in _in_turns(stores, _rewritten, _LESSONS).items():
        found[kind]["100 pictures' features written and sealed"] = f"{milliseconds:.0f} ms"
    if tasks == min(_TASKS):
        for name, change in (
            ("a lesson of 2 classes of 20 pictures", _taught),
            ("a class forgotten", _forgotten),
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
    keys["passphrase"].write_text("seven words that nobody would ever guess")
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
    """Give milliseconds of each kind of store, the fastest of its calls."""
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
    lesson = {
        name: np.abs(rng.normal(rng.random(D), size=(20, D))).astype(np.float32) for name in ("new", "newer")
    }
    names = {name: [f"{name}{number}" for number in range(20)] for name in lesson}
    return _on_a_copy(
        path,
        key,
        lambda store: learn_task(store, lesson, names, "lesson", skipped=(), force=True, feature_seconds=0.0),
    )


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
    told = []
    for name, step, kind in steps:
        start = time.process_time()
        step()
        told.append((name, kind, time.process_time() - start))
    copy.unlink()
    return told


if __name__ == "__main__":
    main()
