"""Clean tasks and planted faults through a real learner, and the gate's verdict on each.

As a program: `python tests/end_to_end/gate_sweep.py FEATURES.npz...` with files that `edge-tosca embed` wrote
prints the tables of docs/gate.md; `--help` has options for a part of them, or for other draws.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tosca import Learner
from edge_tosca.results import LearnReport

Pictures = dict[str, tuple[np.ndarray, list[str]]]
"""Label to features [n, d] and paths."""


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on one planted fault, and how well its suspects fit."""

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
    """Label a share of the pictures as another class of the task, and return which."""
    rng = np.random.default_rng(seed)
    labels = list(task)
    features = np.concatenate([task[label][0] for label in labels])
    paths = [path for label in labels for path in task[label][1]]
    truth = np.repeat(np.arange(len(labels)), [len(task[label][1]) for label in labels])
    swapped = rng.permutation(len(truth))[: round(share * len(truth))]
    given = truth.copy()
    given[swapped] = (truth[swapped] + rng.integers(1, len(labels), len(swapped))) % len(labels)
    wrong = {
        label: (features[given == place], [paths[row] for row in np.flatnonzero(given == place)])
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


def swapped_verdicts(
    pictures: Pictures, shots: int, size: int, trials: int, share: float = 0.2
) -> list[Verdict]:
    """Teach tasks in which a share of the labels is swapped: alone, and after two clean tasks."""
    found = []
    for seed in range(trials):
        tasks = [task for task in tasks_of(choose(pictures, shots, 100 + seed), size) if len(task) == size]
        for earlier in sorted({0, min(2, len(tasks) - 1)}):
            wrong, swapped = swap_labels(tasks[earlier], share, seed)
            *_, report = teach([*tasks[:earlier], wrong], force=True)
            named = {suspect.path for suspect in report.gate.suspects if "looks like" in suspect.reason}
            right = len(named & swapped)
            found.append(Verdict(report.gate.verdict, right / max(1, len(named)), right / len(swapped)))
    return found


def same_class_verdicts(pictures: Pictures, shots: int, trials: int) -> list[LearnReport]:
    """Teach five classes, then other pictures of one of them under another name."""
    enough = {label: some for label, some in pictures.items() if len(some[1]) >= 2 * shots}
    found = []
    for seed in range(trials if len(enough) >= 5 else 0):
        five = tasks_of(choose(enough, 2 * shots, 200 + seed), 5)[0]
        label = list(five)[seed % len(five)]
        first, again = halve(five, label, seed)
        rest = {name: (rows[:shots], paths[:shots]) for name, (rows, paths) in first.items()}
        *_, report = teach([rest, again], force=True)
        found.append(report)
    return found


def mixed_verdicts(pictures: Pictures, shots: int, trials: int, share: float = 0.2) -> list[Verdict]:
    """Teach five classes, then one of whose pictures a share are other ones of one of the five."""
    wrong = round(share * shots)
    enough = {label: some for label, some in pictures.items() if len(some[1]) >= shots + wrong}
    found = []
    for seed in range(trials if len(enough) >= 6 else 0):
        six = dict(list(choose(enough, shots + wrong, 300 + seed).items())[:6])
        *olds, new = six
        five = {label: (six[label][0][:shots], six[label][1][:shots]) for label in olds}
        features, paths = six[olds[seed % 5]]
        kept = shots - wrong
        mixed = (
            np.concatenate([six[new][0][:kept], features[shots:]]),
            [*six[new][1][:kept], *paths[shots:]],
        )
        *_, report = teach([five, {new: mixed}], force=True)
        named = {suspect.path for suspect in report.gate.suspects if "looks like" in suspect.reason}
        right = len(named & set(paths[shots:]))
        found.append(Verdict(report.gate.verdict, right / max(1, len(named)), right / wrong))
    return found


def print_clean(pictures: Pictures, name: str, shots: int, sizes: list[int], seeds: int) -> None:
    """Print how many clean tasks were accepted, and why the others were not."""
    for size in sizes:
        reports = [report for seed in range(seeds) for report in clean_verdicts(pictures, shots, size, seed)]
        bad = [report for report in reports if report.gate.verdict != "accept"]
        accuracies = [r.gate.accuracy_new for r in reports if r.gate.accuracy_new is not None]
        named = [
            sum("looks like" in one.reason for one in report.gate.suspects) / report.images
            for report in reports
        ]
        print(
            f"clean {name} {shots or 'all'} {size}: {len(reports) - len(bad)} of {len(reports)} accepted, "
            f"new at least {min(accuracies):.2f}, "
            f"suspects {np.mean(named):.1%} of the pictures, at most {max(named):.0%}",
            *[report.gate.reasons for report in bad],
            flush=True,
        )


def print_swapped(pictures: Pictures, name: str, shots: int, sizes: list[int], trials: int) -> None:
    """Print how many tasks with a tenth and a fifth of the labels swapped were caught."""
    for size in (size for size in sizes if 1 < size <= len(pictures)):
        for share in (0.1, 0.2):
            found = swapped_verdicts(pictures, shots, size, trials, share)
            print(caught(f"swapped {share:.0%} {name} {shots or 'all'} {size}", found), flush=True)


def print_mixed(pictures: Pictures, name: str, shots: int, trials: int) -> None:
    """Print the verdicts on classes of which a tenth and a fifth are pictures of an old one."""
    for share in (0.1, 0.2):
        found = mixed_verdicts(pictures, shots, trials, share)
        if found:
            print(caught(f"an old class's {share:.0%} {name} {shots}", found), flush=True)


def caught(what: str, found: list[Verdict]) -> str:
    """Return the verdicts on planted faults in a line."""
    count = sum(verdict.verdict != "accept" for verdict in found)
    precision, recall = np.mean([(verdict.precision, verdict.recall) for verdict in found], axis=0)
    return f"{what}: {count} of {len(found)} caught, precision {precision:.2f} recall {recall:.2f}"


def print_same_class(pictures: Pictures, name: str, shots: int, trials: int) -> None:
    """Print the verdicts on one class under two names."""
    counts = Counter(report.gate.verdict for report in same_class_verdicts(pictures, shots, trials))
    print(f"same class {name} {shots} + {shots}: {dict(counts)}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FEATURES.npz")
    parser.add_argument("--what", nargs="+", choices=("clean", "swapped", "old", "same"), default=["clean"])
    parser.add_argument("--shots", nargs="+", type=int, default=[10, 20, 0], help="pictures a class; 0: all")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 2, 5, 10], help="classes a task")
    parser.add_argument("--seeds", type=int, default=1, help="class orders of the clean tasks")
    parser.add_argument("--trials", type=int, default=10, help="draws of each planted fault")
    options = parser.parse_args()
    for file in options.files:
        pictures, name = read(file), file.stem
        for shots in options.shots:
            if "clean" in options.what:
                print_clean(pictures, name, shots, options.sizes, options.seeds)
            if "swapped" in options.what:
                print_swapped(pictures, name, shots, options.sizes, options.trials)
            if "old" in options.what and shots:
                print_mixed(pictures, name, shots, options.trials)
            if "same" in options.what and shots:
                print_same_class(pictures, name, shots, options.trials)


if __name__ == "__main__":
    main()
