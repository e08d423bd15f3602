"""Classes split between two boxes that exchange packs, beside one box that learns them all.

As a program: `python tests/end_to_end/pack_split.py TRAIN.npz TEST.npz` with files that `edge-tosca embed`
wrote prints the tables of docs/packs.md.
"""

import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tosca import Learner
from edge_tosca.packs import SigningKey, export_classes, import_pack, make_key, read_pack, trust, write_pack

Set = dict[str, np.ndarray]
"""Label to features [n, d]."""

TASK = 10


def read(file: Path) -> Set:
    """Read what `edge-tosca embed` wrote."""
    with np.load(file, allow_pickle=False) as arrays:
        features, labels = arrays["features"], arrays["labels"]
        return {
            str(name): features[labels == place].astype(np.float16)
            for place, name in enumerate(arrays["class_names"])
        }


@dataclass(frozen=True)
class Split:
    """Accuracies in 0 .. 1 of single pictures; milliseconds of the import of all classes of box A.

    Attributes:
        at_home: A's classes on box A.
        abroad: the same on an empty box that imported A's pack.
        among_own: the same on box B, which knows its own classes too, asked which of A's classes it is.
        among_all: the same on box B, asked which of all classes it is.
        joint: all classes on box B.
        learned_at_home: A's classes on a box that learned everything, asked which of all it is.
        learned: all classes on that box.
        unknown: share of test pictures that box B calls unknown, and that box.
        file_ms, solve_ms: of the import on box B, reading included in the first.
        pack_bytes: size of A's pack.
    """

    at_home: float
    abroad: float
    among_own: float
    among_all: float
    joint: float
    learned_at_home: float
    learned: float
    unknown: tuple[float, float]
    file_ms: float
    solve_ms: float
    pack_bytes: int


def split(train: Set, test: Set, seed: int, folder: Path, private: bool = False, task: int = TASK) -> Split:
    """Teach one half of the classes to box A, the other to box B, and all to a third; send A's to B."""
    labels = [str(label) for label in np.random.default_rng(seed).permutation(sorted(train))]
    half = len(labels) // 2
    mine, its = labels[:half], labels[half:]
    a, b, empty, every = (Learner.create(folder / f"{name}.tosca") for name in ("a", "b", "empty", "every"))
    for box, taught in ((a, [mine]), (b, [its]), (every, [mine, its])):
        for part in taught:
            for start in range(0, len(part), task):
                shown = {label: train[label] for label in part[start : start + task]}
                box.learn_features(shown, f"{part[start]} and others", force=True)
    make_key(folder / "key")
    key = SigningKey.load(folder / "key")
    size = write_pack(folder / "a.pack", export_classes(a.store, private=private), key)
    for box in (empty, b):
        trust(box.store, key.public)
        start_reading = time.perf_counter()
        pack = read_pack(folder / "a.pack")
        reading = time.perf_counter() - start_reading
        report = import_pack(box.store, pack)
    result = Split(
        at_home=accuracy(a, test, mine),
        abroad=accuracy(empty, test, mine),
        among_own=accuracy(b, test, mine, among=mine),
        among_all=accuracy(b, test, mine),
        joint=accuracy(b, test, labels),
        learned_at_home=accuracy(every, test, mine),
        learned=accuracy(every, test, labels),
        unknown=(unknown(b, test), unknown(every, test)),
        file_ms=1e3 * (reading + report.seconds["file"]),
        solve_ms=1e3 * report.seconds["solve"],
        pack_bytes=size,
    )
    for box in (a, b, empty, every):
        box.close()
    return result


def accuracy(box: Learner, test: Set, labels: Iterable[str], among: Iterable[str] | None = None) -> float:
    """Share of the test pictures of some labels that a box names right, among all it knows or some."""
    wanted = [label for label in labels if label in test]
    truth = np.repeat(wanted, [len(test[label]) for label in wanted])
    posterior = box.knowledge.posterior(np.concatenate([test[label] for label in wanted]))
    known = np.array(box.state.labels)
    if among is not None:
        posterior = np.where(np.isin(known, list(among)), posterior, -1)
    return float((known[posterior.argmax(axis=1)] == truth).mean())


def unknown(box: Learner, test: Set) -> float:
    """Share of the test pictures that a box calls unknown."""
    answers = box.knowledge.decide(np.concatenate(list(test.values())), 1)
    return float(np.mean([answer.unknown for answer in answers]))


def main(train: str, test: str) -> None:
    """Print the tables."""
    sets = read(Path(train)), read(Path(test))
    for private in (False, True):
        print("private" if private else "features")
        for seed in range(3):
            with tempfile.TemporaryDirectory() as folder:
                print(f"  seed {seed}:", split(*sets, seed, Path(folder), private))


if __name__ == "__main__":
    main(*sys.argv[1:])
