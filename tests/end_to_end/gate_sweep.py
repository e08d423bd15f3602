"""Clean tasks and planted faults through a real learner, and what the gate says of each.

As a program: `python tests/end_to_end/gate_sweep.py FEATURES.npz...` with files that `edge-tosca embed` wrote
prints the tables of docs/gate.md.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tosca import Learner
from edge_tosca.report import LearnReport

Pictures = dict[str, tuple[np.ndarray, list[str]]]
"""Label to features [n, d] and paths."""

SHOTS = (10, 20, 0)
SIZES = (1, 2, 5, 10)


@dataclass(frozen=True)
class Verdict:
    """What the gate said of one planted fault, and how well its suspects fit."""

    verdict: str
    precision: float
    recall: float


def read(file: Path) -> Pictures:
    """Read what `edge-tosca embed` wrote."""
    arrays = np.load(file)
    features, labels = arrays["features"], arrays["labels"]
    return {
        str(name): (features[labels == place], [str(path) for path in arrays["paths"][labels == place]])
        for place, name in enumerate(arrays["class_names"])
    }


def choose(pictures: Pictures, shots: int, seed: int) -> Pictures:
    """Shuffle the classes and take some pictures of each; 0 shots take all."""
    rng = np.random.default_rng(seed)
    chosen = {}
    for label in rng.permutation(list(pictures)):
        features, paths = pictures[label]
        rows = np.sort(rng.permutation(len(paths))[: shots or None])
        chosen[str(label)] = (features[rows], [paths[row] for row in rows])
    return chosen


def tasks_of(pictures: Pictures, size: int) -> list[Pictures]:
    """Cut classes into tasks."""
    labels = list(pictures)
    return [{label: pictures[label] for label in labels[i : i + size]} for i in range(0, len(labels), size)]


def swap_labels(task: Pictures, share: float, seed: int) -> tuple[Pictures, set[str]]:
    """Give a share of the pictures the label of another class of the task, and say which."""
    rng = np.random.default_rng(seed)
    labels = list(task)
    features = np.concatenate([task[label][0] for label in labels])
    paths = [path for label in labels for path in task[label][1]]
    truth = np.repeat(np.arange(len(labels)), [len(task[label][1]) for label in labels])
    swapped = rng.permutation(len(truth))[: round(share * len(truth))]
    said = truth.copy()
    said[swapped] = (truth[swapped] + rng.integers(1, len(labels), len(swapped))) % len(labels)
    wrong = {
        label: (features[said == place], [paths[row] for row in np.flatnonzero(said == place)])
        for place, label in enumerate(labels)
    }
    return wrong, {paths[row] for row in swapped}


def halve(task: Pictures, label: str, seed: int) -> tuple[Pictures, Pictures]:
    """Split the pictures of a class into two: the class itself, and the same under another name."""
    features, paths = task[label]
    order = np.random.default_rng(seed).permutation(len(paths))
    parts = [
        (features[rows], [paths[row] for row in rows]) for rows in (np.sort(order[::2]), np.sort(order[1::2]))
    ]
    return {**task, label: parts[0]}, {f"{label} again": parts[1]}


def teach(tasks: list[Pictures], **options: bool) -> Iterator[LearnReport]:
    """Teach a new learner tasks, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.create(Path(folder) / "shop.tosca")
        for task in tasks:
            yield learner.learn_features(
                {label: features for label, (features, _) in task.items()},
                names={label: paths for label, (_, paths) in task.items()},
                **options,
            )
        learner.close()


def clean_verdicts(pictures: Pictures, shots: int, size: int, seed: int = 0) -> list[LearnReport]:
    """Teach every class of a set, in clean tasks of one size."""
    return list(teach(tasks_of(choose(pictures, shots, seed), size), force=True))


def swapped_verdicts(pictures: Pictures, shots: int, size: int, trials: int) -> list[Verdict]:
    """Teach tasks in which every fifth label is swapped: alone, and after two clean tasks."""
    found = []
    for seed in range(trials):
        tasks = [task for task in tasks_of(choose(pictures, shots, 100 + seed), size) if len(task) == size]
        for earlier in sorted({0, min(2, len(tasks) - 1)}):
            wrong, swapped = swap_labels(tasks[earlier], 0.2, seed)
            *_, report = teach([*tasks[:earlier], wrong], force=True)
            named = {suspect.path for suspect in report.gate.suspects if "looks like" in suspect.reason}
            right = len(named & swapped)
            found.append(Verdict(report.gate.verdict, right / max(1, len(named)), right / len(swapped)))
    return found


def same_class_verdicts(pictures: Pictures, shots: int, trials: int) -> list[LearnReport]:
    """Teach five classes, then other pictures of one of them under another name."""
    found = []
    for seed in range(trials):
        five = tasks_of(choose(pictures, 2 * shots, 200 + seed), 5)[0]
        label = list(five)[seed % len(five)]
        first, again = halve({name: five[name] for name in five}, label, seed)
        rest = {name: (rows[:shots], paths[:shots]) for name, (rows, paths) in first.items()}
        *_, report = teach([rest, again], force=True)
        found.append(report)
    return found


def main(files: list[str]) -> None:
    """Print the tables."""
    for file in files:
        pictures, name = read(Path(file)), Path(file).stem
        for shots in SHOTS:
            for size in SIZES:
                reports = clean_verdicts(pictures, shots, size)
                bad = [r for r in reports if r.gate.verdict != "accept"]
                low = min(
                    (r.gate.accuracy_new for r in reports if r.gate.accuracy_new is not None), default=1
                )
                print(
                    f"clean {name} {shots or 'all'} {size}: {len(reports) - len(bad)}/{len(reports)} "
                    f"accepted, new at least {low:.2f}",
                    *[r.gate.reasons for r in bad],
                    flush=True,
                )
            for size in SIZES[1:]:
                found = swapped_verdicts(pictures, shots, size, 3)
                print(
                    f"swapped {name} {shots or 'all'} {size}: "
                    f"{sum(v.verdict != 'accept' for v in found)}/{len(found)} caught, precision "
                    f"{np.mean([v.precision for v in found]):.2f} recall "
                    f"{np.mean([v.recall for v in found]):.2f}",
                    flush=True,
                )
            if shots:
                counts: Mapping[str, int] = defaultdict(int)
                for report in same_class_verdicts(pictures, shots, 10):
                    counts[report.gate.verdict] += 1
                print(f"same class {name} {shots}: {dict(counts)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
