"""Where "unknown" begins when few pictures are taught: rules that place the threshold, side by side.

As a program: `python tests/end_to_end/threshold_sweep.py FEATURES.npz...` with files of two sets or more
that `edge-tosca embed` wrote prints the table of docs/unknowns.md.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gate_sweep import Pictures, read

from edge_tosca import Learner
from edge_tosca.classifier.ood.threshold import empirical_quantile, normal_prediction_quantile
from edge_tosca.learner.refit import solve_router

REFUSED = 0.05

LESSONS = (
    (1, 3),
    (1, 5),
    (1, 8),
    (1, 12),
    (1, 20),
    (2, 5),
    (2, 12),
    (2, 20),
    (5, 5),
    (5, 10),
    (8, 20),
    (50, 20),
)
"""Classes taught, and pictures of each."""

FAR = 150
"""Pictures of each other set that are scored."""

NEAR = 10
"""Pictures of each class of the same set that was not taught."""


@dataclass(frozen=True)
class Scored:
    """Scores of one draw of classes and pictures.

    Attributes:
        threshold: of the learner.
        held_out: of taught pictures that were held out.
        known: of other pictures of each taught class.
        near: of classes of the same set.
        far: of other sets.
    """

    threshold: float
    held_out: np.ndarray
    known: list[np.ndarray]
    near: np.ndarray
    far: np.ndarray


RULES: dict[str, Callable[[Scored], float]] = {
    "quantile": lambda scored: float(np.quantile(scored.held_out, REFUSED)),
    "ranked": lambda scored: empirical_quantile(scored.held_out, REFUSED),
    "Student's t": lambda scored: normal_prediction_quantile(scored.held_out, REFUSED),
    "as built": lambda scored: scored.threshold,
}


def draws(pictures: Pictures, far: np.ndarray, classes: int, count: int, trials: int) -> Iterator[Scored]:
    """Teach some classes in one task, and score pictures that were not taught."""
    enough = [label for label, (features, _) in pictures.items() if len(features) > count + 2]
    for seed in range(trials if len(enough) >= classes else 0):
        rng = np.random.default_rng(seed)
        taught = [str(label) for label in rng.permutation(enough)[:classes]]
        order = {label: rng.permutation(len(pictures[label][1])) for label in taught}
        # In the order of a folder, as a series of photographs is: neighbours are held out together.
        chosen = {label: np.sort(rows[:count]) for label, rows in order.items()}
        others = [features[:NEAR] for label, (features, _) in pictures.items() if label not in taught]
        with tempfile.TemporaryDirectory() as folder:
            learner = Learner.create(Path(folder) / "shop.tosca")
            lesson = {label: pictures[label][0][chosen[label]] for label in taught}
            learner.learn_features(lesson, force=True)
            model = learner.model
            router, held_out = solve_router(learner.store, model.state, model.features_of)
            score = router.ood.calibration.score
            rest = {label: pictures[label][0][order[label][count:]] for label in taught}
            yield Scored(
                router.ood.threshold,
                score(held_out.ood_statistics),
                [score(model.ood_statistics(features)) for features in rest.values()],
                score(model.ood_statistics(np.concatenate(others))) if others else np.zeros(0),
                score(model.ood_statistics(far)),
            )
            learner.close()


def figures(found: list[Scored], rule: Callable[[Scored], float]) -> str:
    """Return what a rule rejects and detects, as a cell of the table."""
    shares = []
    for scored in found:
        least = rule(scored)
        refused = np.mean([(scores < least).mean() for scores in scored.known])
        near = (scored.near < least).mean() if len(scored.near) else np.nan
        shares.append((refused, near, (scored.far < least).mean()))
    refused, near, far = 100 * np.array(shares).T
    off = np.sqrt(np.mean((refused - 100 * REFUSED) ** 2))
    return f"{refused.mean():.1f} ({off:.1f}) / {np.nanmean(near):.0f} / {far.mean():.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FEATURES.npz")
    parser.add_argument("--trials", type=int, default=12, help="draws of classes and pictures, of each set")
    arguments = parser.parse_args()
    sets = [read(file) for file in arguments.files]
    rng = np.random.default_rng(0)
    some = [rng.permutation(np.concatenate([rows for rows, _ in one.values()]))[:FAR] for one in sets]
    print("| classes x pictures |", " | ".join(RULES), "|")
    print("|---|" + "---|" * len(RULES))
    for classes, count in LESSONS:
        found = [
            scored
            for place, pictures in enumerate(sets)
            for scored in draws(
                pictures,
                np.concatenate([*some[:place], *some[place + 1 :]]),
                classes,
                count,
                arguments.trials,
            )
        ]
        if not found:
            continue
        cells = " | ".join(figures(found, rule) for rule in RULES.values())
        print(f"| {classes} x {count} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
