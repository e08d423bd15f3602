"""A small store that was taught, held in memory: made once, copied for every input."""

import functools
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.store.store import Store

WIDTH = 16
"""Of a feature."""

SETTINGS = {
    "bundle": "",
    "runtime": "onnxruntime",
    "device": "CPU",
    "fingerprint": "0" * 64,
    "origin": "fuzz",
    "feature_dim": str(WIDTH),
    "router": "fused",
    "refused": "0.05",
}


def teach(store: Store, *labels: str, seed: int = 0) -> None:
    """Teach a store one task of drawn features."""
    rng = np.random.default_rng(seed)
    names = [f"{number}.jpg" for number in range(4)]
    classes = {
        label: LessonClass(rng.gamma(1.0, 1.0, (4, WIDTH)).astype(np.float32), names) for label in labels
    }
    learn_task(store, Lesson(classes), force=True)


@functools.cache
def taught(*tasks: tuple[str, ...]) -> bytes:
    """Give the file of a store that was taught these tasks, without a log."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.tosca"
        store = Store.create(path, SETTINGS)
        for seed, labels in enumerate(tasks):
            teach(store, *labels, seed=seed)
        store.close()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        return path.read_bytes()


def shop() -> bytes:
    """Give the file of a store with three classes in two tasks."""
    return taught(("mug", "bowl"), ("cup",))


def in_memory(data: bytes) -> sqlite3.Connection:
    """Open a store's file without a file."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(data)
    return connection
