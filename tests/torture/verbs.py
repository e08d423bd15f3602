"""What is tortured: every command that changes a store, on small features made from a seed."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import StoreError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.learner.migration import migrate
from edge_tosca.learner.model import Model
from edge_tosca.learner.storage_limit import limit_size
from edge_tosca.learner.verification import verify
from edge_tosca.packs import SigningKey, export_classes, make_key, read_pack, write_pack
from edge_tosca.packs.importing import import_pack
from edge_tosca.runtime.fingerprint import Fingerprint
from edge_tosca.store.encryption import decrypt, encrypt, is_encrypted, rekey
from edge_tosca.store.maintenance import compact
from edge_tosca.store.schema import ENCRYPTION_SETTING
from edge_tosca.store.store import Store

DIMENSIONS = 96
"""Enough for a module, and few enough that a learner beyond them keeps sums instead of features."""

KEY, OTHER_KEY = "store.key", "other.key"
"""Files beside a store."""

_FORMAT_1 = Path(__file__).parents[1] / "data" / "store_format_1.tosca"

_SETTINGS = {
    "bundle": "",
    "runtime": "onnxruntime",
    "device": "CPU",
    "fingerprint": "0" * 64,
    "origin": "torture",
    "feature_dim": str(DIMENSIONS),
    "router": "fused",
    "refused": "0.05",
}


def features(label: str, count: int) -> Array:
    """Make features of a class.

    Args:
        label: the class; equal labels give equal features.
        count: pictures.

    Returns:
        float32 [count, DIMENSIONS].
    """
    rng = np.random.default_rng(list(label.encode()))
    centre = rng.gamma(1.0, 1.0, DIMENSIONS)
    return (centre + rng.gamma(1.0, 1.0, (count, DIMENSIONS))).astype(np.float32)


QUESTIONS = np.concatenate(
    [features(label, 60)[-3:] for label in ("apple", "brick", "cone", "door", "zebra")]
)


def create(path: Path) -> Store:
    """Make an empty store, encrypted where a key lies beside it."""
    key = path.with_name(KEY)
    return Store.create(path, _SETTINGS, key if key.exists() else None)


def reopen(path: Path) -> Store:
    """Open a store, with the one of the keys beside it that fits."""
    if not path.exists() or not is_encrypted(path):
        return Store.open(path)
    try:
        return Store.open(path, path.with_name(KEY))
    except StoreError as error:
        if "this key does not open it" not in str(error):
            raise
        return Store.open(path, path.with_name(OTHER_KEY))


def teach(store: Store, task: str, shots: dict[str, int]) -> None:
    """Teach a task, whatever the gate says of so few pictures."""
    classes = {
        label: LessonClass(features(label, count), [f"{label}{number}.jpg" for number in range(count)])
        for label, count in shots.items()
    }
    learn_task(store, Lesson(classes, task), force=True)


def few(path: Path) -> None:
    """Make a store of two tasks that keeps features alone."""
    store = create(path)
    teach(store, "first", {"apple": 6, "brick": 5})
    teach(store, "second", {"cone": 6, "door": 5})
    store.close()


def many(path: Path) -> None:
    """Make a store of three tasks that keeps sums besides."""
    store = create(path)
    teach(store, "first", {"apple": 40, "brick": 30})
    teach(store, "second", {"cone": 30, "door": 12})
    teach(store, "third", {"zebra": 8})
    store.close()


def plenty(path: Path) -> None:
    """Make a store of one task with many pictures."""
    store = create(path)
    teach(store, "first", {"apple": 200, "brick": 150})
    store.close()


def of_format_1(path: Path) -> None:
    """Copy a store that an earlier version of this program made."""
    shutil.copy(_FORMAT_1, path)


def locked(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Let what makes a store make an encrypted one."""

    def run(path: Path) -> None:
        write_key(path.with_name(KEY), "5a" * 32)
        write_key(path.with_name(OTHER_KEY), "a passphrase of several words")
        make(path)

    return run


def write_key(path: Path, text: str) -> None:
    """Write a key that nobody else can read: others are refused."""
    path.write_text(text)
    path.chmod(0o600)


def with_keys(path: Path) -> None:
    """Make a plain store, and keys beside it."""
    many(path)
    write_key(path.with_name(KEY), "5a" * 32)


def loose(path: Path) -> None:
    """Make a store with unused pages."""
    many(path)
    store = reopen(path)
    forget_class(store, "apple")
    store.close()


def with_a_pack(path: Path) -> None:
    """Make a store, and a pack of another one beside it."""
    few(path)
    other = create(path.with_name("other.tosca"))
    teach(other, "elsewhere", {"wheel": 6, "zebra": 5})
    make_key(path.with_name("key"))
    write_pack(path.with_name("classes.pack"), export_classes(other), SigningKey.load(path.with_name("key")))
    other.close()


def _import(store: Store) -> None:
    pack = read_pack(store.path.with_name("classes.pack"))
    import_pack(store, pack, trusted=[pack.key])


def with_pictures(path: Path) -> None:
    """Make a store, and a folder of as many files as it has features."""
    few(path)
    for label, count in {"apple": 6, "brick": 5, "cone": 6, "door": 5}.items():
        folder = path.with_name("photos") / label
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{number}.jpg").write_bytes(b"a picture")


class _OtherSight:
    """Stands in for a backbone of which a thousand runs would take hours: features by folder and number."""

    bundle_path = None
    backend = SimpleNamespace(name="onnxruntime", device="CPU")
    bundle = SimpleNamespace(feature_dim=DIMENSIONS, widths=(DIMENSIONS,))
    fingerprint = Fingerprint("other", "1" * 64, "onnxruntime", "CPU", "2" * 64)

    def extract(self, paths: Sequence[Path], tell: object) -> Iterator[SimpleNamespace]:
        for place, path in enumerate(paths):
            yield SimpleNamespace(features=features(path.parent.name, 60)[-1 - place], error=None)


Command = Callable[[Path, Callable[[], object]], None]
"""Takes the store's path, and what to call when the command has returned, before the store is closed."""


def _on(change: Callable[[Store], object]) -> Command:
    def run(path: Path, done: Callable[[], object]) -> None:
        store = reopen(path)
        try:
            change(store)
            done()
        finally:
            store.close()

    return run


def _init(path: Path, done: Callable[[], object]) -> None:
    store = create(path)
    done()
    store.close()


def _alone(change: Callable[[Path], object]) -> Command:
    """A command that opens the store itself."""

    def run(path: Path, done: Callable[[], object]) -> None:
        change(path)
        done()

    return run


def _rekey(path: Path, fresh: bool) -> None:
    rekey(path, path.with_name(OTHER_KEY), path.with_name(KEY), fresh=fresh)


def _opens(path: Path, key: Path) -> bool:
    try:
        Store.open(path, key).close()
    except StoreError:
        return False
    return True


VERBS: dict[str, tuple[Callable[[Path], None] | None, Command]] = {
    "init": (None, _init),
    "learn, few pictures": (few, _on(lambda store: teach(store, "new", {"zebra": 6, "wheel": 4}))),
    "learn, many pictures": (many, _on(lambda store: teach(store, "new", {"wheel": 12, "apple": 8}))),
    "forget, few pictures": (few, _on(lambda store: forget_class(store, "cone"))),
    "forget, many pictures": (many, _on(lambda store: forget_class(store, "brick"))),
    "rollback": (many, _on(lambda store: rollback(store, 2))),
    "rename": (few, _on(lambda store: rename_class(store, "apple", "pear", merge=False))),
    "merge": (many, _on(lambda store: rename_class(store, "apple", "door", merge=True))),
    "learn, format 1": (of_format_1, _on(lambda store: teach(store, "new", {"zebra": 5}))),
    "limit": (plenty, _on(lambda store: limit_size(store, store.used() - 20_000))),
    "compact": (loose, _on(compact)),
    "pack import": (with_a_pack, _on(_import)),
    "migrate": (
        with_pictures,
        _on(lambda store: migrate(store, _OtherSight(), store.path.with_name("photos"))),
    ),
    "learn, encrypted": (locked(many), _on(lambda store: teach(store, "new", {"wheel": 12, "apple": 8}))),
    "forget, encrypted": (locked(many), _on(lambda store: forget_class(store, "brick"))),
    "rollback, encrypted": (locked(many), _on(lambda store: rollback(store, 2))),
    "pack import, encrypted": (locked(with_a_pack), _on(_import)),
    "migrate, encrypted": (
        locked(with_pictures),
        _on(lambda store: migrate(store, _OtherSight(), store.path.with_name("photos"))),
    ),
    "encrypt": (with_keys, _alone(lambda path: encrypt(path, path.with_name(KEY)))),
    "decrypt": (locked(many), _alone(lambda path: decrypt(path, path.with_name(KEY)))),
    "rekey": (locked(many), _alone(lambda path: _rekey(path, fresh=False))),
    "rekey, fresh": (locked(many), _alone(lambda path: _rekey(path, fresh=True))),
}
"""Name to what makes the store it starts from (None for no store), and the command."""

CHANGING_NOTHING = ("compact",)
"""Commands that write much and leave everything as it was."""


def snapshot(path: Path) -> tuple[object, ...] | None:
    """Tell everything about a store that must survive.

    Args:
        path: of the store.

    Returns:
        Its generations, tasks, classes, module bytes and answers to QUESTIONS, to the last bit; None where
        there is no store yet.

    Raises:
        EdgeToscaError: it cannot be read.
        ValueError: SQLite finds it damaged, or something in it is not as it was sealed.
        sqlite3.Error: SQLite cannot even look.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    try:
        store = reopen(path)
    except StoreError as error:
        if "run again: edge-tosca init" in str(error):
            return None
        raise
    try:
        if wrong := verify(store).discrepancies:
            raise ValueError("; ".join(wrong))
        state = store.state()
        key = path.with_name(KEY)
        opened_by = store.cipher.encrypted and key.exists() and _opens(path, key)
        history = tuple((entry.number, entry.parent, entry.command) for entry in store.history())
        tasks = tuple(
            (task.name, task.module, store.module(task.module), tuple(group.label for group in task.groups))
            for task in state.tasks
        )
        answers = Model(store, state).predict(QUESTIONS, 5) if state.tasks else []
        said = tuple((answer.top, answer.unknown, answer.familiarity) for answer in answers)
        return (history, tasks, said, store.settings.get(ENCRYPTION_SETTING) is not None, opened_by)
    finally:
        store.close()
