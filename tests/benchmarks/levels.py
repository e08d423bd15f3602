"""Features of several levels: the router's accuracy with all parts, and with the last feature alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tests.benchmarks.setup import solve

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures, protocol
from edge_tosca.bench.table import as_table
from edge_tosca.features.normalization import normalize


@dataclass(frozen=True)
class Trial:
    """One draw of pictures, taught as one lesson; accuracies in 0 .. 1.

    Attributes:
        data: name of the set.
        shots: training pictures a class; None for all.
        seed: of the draw.
        without: accuracy on single test pictures with the last feature alone.
        parts: the same with all parts.
        weight: of the further parts, as chosen on left-out pictures.
    """

    data: str
    shots: int | None
    seed: int
    without: float
    parts: float
    weight: float


def measure(
    sets: Sequence[LabelledFeatures],
    widths: Sequence[int],
    shots: Sequence[int | None],
    seeds: int,
    on_step: Callable[[str], None],
) -> Iterator[Trial]:
    """Measure.

    Args:
        sets: with all parts.
        widths: of the parts.
        shots: training pictures a class; None for all.
        seeds: draws of pictures; all pictures are drawn once.
        on_step: called with one line before each draw.

    Yields:
        One trial for each set, number of pictures and draw.
    """
    for data in sets:
        for shot in shots:
            for seed in range(seeds if shot else 1):
                on_step(f"{data.name}, {shot or 'all'} pictures, draw {seed}")
                drawn = protocol(data, len(data.classes), shot, seed)
                without, _ = _accuracy(drawn.groups, drawn.test, drawn.truth, widths[:1])
                parts, weight = _accuracy(drawn.groups, drawn.test, drawn.truth, widths)
                yield Trial(data.name, shot, seed, without, parts, weight)


def _accuracy(
    groups: Sequence[Array], test: Array, truth: Array, widths: Sequence[int]
) -> tuple[float, float]:
    width = sum(widths)
    normalized = [normalize(rows[:, :width], widths) for rows in groups]
    router, _ = solve(normalized, np.arange(len(groups)), widths=widths)
    found = router.scores(router.view(normalize(test[:, :width], widths)))[0].argmax(axis=1)
    weight = 0.0 if router.part_weight is None else router.part_weight.weight
    return float(np.mean(found == truth)), weight


def markdown(trials: Sequence[Trial]) -> str:
    """Write a table of all trials: one row for each set and number of pictures."""
    keys = list(dict.fromkeys((trial.data, trial.shots) for trial in trials))
    rows, gains = [], []
    for data, shots in keys:
        some = [trial for trial in trials if (trial.data, trial.shots) == (data, shots)]
        without, parts = (100 * np.mean([getattr(t, key) for t in some]) for key in ("without", "parts"))
        error = 100 * np.std([t.parts - t.without for t in some]) / np.sqrt(len(some))
        gains.append(parts - without)
        weights = ", ".join(f"{weight:g}" for weight in sorted({t.weight for t in some}))
        spread = f" ± {error:.1f}" if len(some) > 1 else ""
        cells = [data, str(shots or "all"), f"{without:.1f}", f"{parts:.1f}"]
        rows.append([*cells, f"{parts - without:+.1f}{spread}", weights])
    rows.append(["mean", "", "", "", f"{np.mean(gains):+.2f}", ""])
    return as_table(["set", "pictures a class", "last feature", "with levels", "gain", "weights"], rows)
