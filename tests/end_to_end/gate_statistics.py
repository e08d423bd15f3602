"""How well the gate's two statistics separate faulty tasks from clean ones, over many draws.

As a program: `python tests/end_to_end/gate_statistics.py FEATURES.npz...` with files that `edge-tosca embed`
wrote prints, for swapped labels and for one class under two names, the area under the ROC curve and what the
gate's thresholds warn of. Of clean pairs of classes the hardest of the set are tried.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from gate_sweep import Pictures, read, swap_labels
from sklearn.metrics import roc_auc_score

from edge_tosca.features.normalization import normalize
from edge_tosca.quality.confusions import welch_t
from edge_tosca.quality.gate import confusable_below
from edge_tosca.quality.label_errors import relabel

HARD_PAIRS = 3


def draw(pictures: Pictures, size: int, shots: int, rng: np.random.Generator) -> Pictures:
    """Take some pictures of some classes."""
    task = {}
    for label in rng.choice(list(pictures), size, replace=False):
        features, paths = pictures[label]
        rows = np.sort(rng.permutation(len(paths))[:shots])
        task[str(label)] = (features[rows], [paths[row] for row in rows])
    return task


def swapped(pictures: Pictures, size: int, shots: int, share: float, draws: int) -> str:
    """Compare tasks that have a share of their labels swapped with clean ones."""
    rng = np.random.default_rng((size, shots))
    gains: tuple[list[float], list[float]] = ([], [])
    warned: tuple[list[bool], list[bool]] = ([], [])
    for seed in range(draws):
        task = draw(pictures, size, shots, rng)
        for fault, one in enumerate((task, swap_labels(task, share, seed)[0])):
            if min(len(paths) for _, paths in one.values()) == 0:
                continue
            truth = np.repeat(np.arange(size), [len(paths) for _, paths in one.values()])
            found = relabel(np.concatenate([features for features, _ in one.values()]), truth)
            gains[fault].append(found.gain)
            warned[fault].append(found.contradicted)
    return figures(gains[0], gains[1], warned[0], warned[1])


def same(pictures: Pictures, shots: int, draws: int) -> str:
    """Compare halves of one class with the classes that are hardest to separate."""
    rng = np.random.default_rng(shots)
    enough = {label: features for label, (features, _) in pictures.items() if len(features) >= 2 * shots}
    if not enough:
        return "too few pictures"
    hard = hardest(enough)
    clean, faulty = [], []
    for seed in range(draws):
        one, other = (some(enough[label], shots, rng) for label in hard[seed % len(hard)])
        clean.append(welch_t(one, other)[0])
        both = some(enough[str(rng.choice(list(enough)))], 2 * shots, rng)
        halves = rng.permutation(2 * shots)
        faulty.append(welch_t(both[halves[:shots]], both[halves[shots:]])[0])
    most = confusable_below(shots / 2)
    return figures(
        [-t for t in clean], [-t for t in faulty], [t <= most for t in clean], [t <= most for t in faulty]
    )


def hardest(classes: dict[str, np.ndarray]) -> list[tuple[str, str]]:
    """Find the pairs of classes whose answers are least far apart, with all their pictures."""
    means = {label: features.mean(axis=0) for label, features in classes.items()}
    near = sorted(combinations(classes, 2), key=lambda pair: -float(means[pair[0]] @ means[pair[1]]))
    apart = {
        pair: welch_t(classes[pair[0]][:40], classes[pair[1]][:40])[0] for pair in near[: 20 * HARD_PAIRS]
    }
    return sorted(apart, key=lambda pair: apart[pair])[:HARD_PAIRS]


def some(features: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Take some rows."""
    return features[rng.permutation(len(features))[:count]]


def figures(clean: list[float], faulty: list[float], false: list[bool], caught: list[bool]) -> str:
    """Return the figures in a line."""
    area = roc_auc_score([0] * len(clean) + [1] * len(faulty), [*clean, *faulty])
    warned = f"warned of {np.mean(caught):.0%} of the faulty and {sum(false)} of {len(false)} clean"
    return f"ROC area {area:.3f}, {warned}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FEATURES.npz")
    parser.add_argument("--draws", type=int, default=500)
    options = parser.parse_args()
    for file in options.files:
        pictures = {label: (normalize(features), paths) for label, (features, paths) in read(file).items()}
        for size in (2, 5, 10):
            for shots in (5, 10, 12, 20):
                for share in (0.1, 0.2):
                    line = swapped(pictures, size, shots, share, options.draws // size)
                    print(f"swapped {share:.0%} {file.stem} {size} x {shots}: {line}", flush=True)
        for shots in (10, 12, 15, 20):
            print(f"same {file.stem} {shots} + {shots}: {same(pictures, shots, options.draws)}", flush=True)


if __name__ == "__main__":
    main()
