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
from sklearn.metrics import roc_auc_score

from edge_tosca import Learner
from edge_tosca.features.normalization import normalize
from edge_tosca.packs import SigningKey, export_classes, import_pack, make_key, read_pack, trust, write_pack
from edge_tosca.packs.synthetic_features import MIN_IMAGES, synthetic_features

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
class Arrived:
    """How accurate the classes of box A are elsewhere; accuracies in 0 .. 1 of single pictures.

    Attributes:
        abroad: A's classes on an empty box that imported A's pack.
        among_own: the same on box B, which knows its own classes too, among A's classes.
        among_all: the same on box B, among all classes.
        joint: all classes on box B.
        unknown: share of all test pictures that box B calls unknown.
        file_ms, solve_ms: of the import on box B, reading the pack included in the first.
        pack_bytes: size of A's pack.
    """

    abroad: float
    among_own: float
    among_all: float
    joint: float
    unknown: float
    file_ms: float
    solve_ms: float
    pack_bytes: int


@dataclass(frozen=True)
class Split:
    """One half of the classes taught to box A, the other to box B, and all of them to a third box.

    Attributes:
        at_home: A's classes on box A.
        among_all: A's classes on the third box, among all classes.
        joint: all classes on the third box.
        unknown: share of all test pictures that it calls unknown.
        packs: the accuracy of A's classes after a transfer, by whether the pack is private.
    """

    at_home: float
    among_all: float
    joint: float
    unknown: float
    packs: dict[bool, Arrived]


def split(train: Set, test: Set, seed: int, folder: Path, task: int = TASK) -> Split:
    """Teach the three boxes, and send box A's classes to box B and to an empty one."""
    labels = [str(label) for label in np.random.default_rng(seed).permutation(sorted(train))]
    half = len(labels) // 2
    mine, its = labels[:half], labels[half:]
    a, b, every = (Learner.create(folder / f"{name}.tosca") for name in ("a", "b", "every"))
    for box, parts in ((a, [mine]), (b, [its]), (every, [mine, its])):
        for part in parts:
            for start in range(0, len(part), task):
                shown = {label: train[label] for label in part[start : start + task]}
                box.learn_features(shown, f"{part[start]} and others", force=True)
    make_key(folder / "key")
    key = SigningKey.load(folder / "key")
    trust(b.store, key.public)
    packs = {}
    for private in (False, True):
        path = folder / f"{private}.pack"
        size = write_pack(path, export_classes(a.store, private=private), key)
        empty = Learner.create(folder / f"{private}.tosca")
        import_pack(empty.store, read_pack(path), trusted=[key.public])
        start_reading = time.perf_counter()
        pack = read_pack(path)
        reading = time.perf_counter() - start_reading
        report = import_pack(b.store, pack)
        packs[private] = Arrived(
            abroad=accuracy(empty, test, mine),
            among_own=accuracy(b, test, mine, among=mine),
            among_all=accuracy(b, test, mine),
            joint=accuracy(b, test, labels),
            unknown=unknown(b, test),
            file_ms=1e3 * (reading + report.seconds["file"]),
            solve_ms=1e3 * report.seconds["solve"],
            pack_bytes=size,
        )
        b.rollback()
        empty.close()
    result = Split(
        at_home=accuracy(a, test, mine),
        among_all=accuracy(every, test, mine),
        joint=accuracy(every, test, labels),
        unknown=unknown(every, test),
        packs=packs,
    )
    for box in (a, b, every):
        box.close()
    return result


def accuracy(box: Learner, test: Set, labels: Iterable[str], among: Iterable[str] | None = None) -> float:
    """Compute the accuracy of a box on the test pictures of some labels, among all it knows or some."""
    wanted = [label for label in labels if label in test]
    truth = np.repeat(wanted, [len(test[label]) for label in wanted])
    posterior = box.model.posterior(np.concatenate([test[label] for label in wanted]))
    known = np.array(box.state.labels)
    if among is not None:
        posterior = np.where(np.isin(known, list(among)), posterior, -1)
    return float((known[posterior.argmax(axis=1)] == truth).mean())


def unknown(box: Learner, test: Set) -> float:
    """Compute the share of the test pictures that a box calls unknown."""
    answers = box.predict_features(np.concatenate(list(test.values())), 1)
    return float(np.mean([answer.unknown for answer in answers]))


def membership(train: Set, seed: int, private: bool) -> float:
    """Compute how well a pack separates the taught pictures from others of the same classes and series.

    Half of each class's pictures are taught. An attacker with the pack and all the pictures guesses by three
    scores: the nearest feature of the class, their mean, and how much of the picture lies in their span.

    Returns:
        The area under the ROC curve of the best of the three; 0.5 is a coin.
    """
    rng = np.random.default_rng(seed)
    scores: dict[str, list[np.ndarray]] = {"nearest": [], "mean": [], "span": []}
    members = []
    for rows in train.values():
        taught = rng.permutation(len(rows)) < len(rows) // 2
        if taught.sum() < MIN_IMAGES:
            continue
        sent = normalize(synthetic_features(rows[taught]) if private else rows[taught])
        queries = normalize(rows)
        _, strength, directions = np.linalg.svd(sent, full_matrices=False)
        within = queries @ directions[strength > 1e-3 * strength[0]].T
        scores["nearest"].append((queries @ sent.T).max(axis=1))
        scores["mean"].append(queries @ sent.mean(axis=0))
        scores["span"].append((within**2).sum(axis=1))
        members.append(taught)
    truth = np.concatenate(members)
    return max(float(roc_auc_score(truth, np.concatenate(score))) for score in scores.values())


def main(train: str, test: str) -> None:
    """Print the figures of three draws of the halves."""
    sets = read(Path(train)), read(Path(test))
    for seed in range(3):
        with tempfile.TemporaryDirectory() as folder:
            found = split(*sets, seed, Path(folder))
            _print(f"seed {seed}", found)
            for private, arrived in found.packs.items():
                _print(f"seed {seed}, {'private pack' if private else 'pack'}", arrived)
                area = membership(sets[0], seed, private)
                print(f"  {'membership':12} {area:.3f}", flush=True)


def _print(title: str, figures: Split | Arrived) -> None:
    print(title)
    for name, value in vars(figures).items():
        if isinstance(value, float | int):
            print(f"  {name:12} {value:.4g}" if value < 1 else f"  {name:12} {value:.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
