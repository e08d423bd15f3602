"""The OOD figures as Markdown tables, a JSON file and a plot."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.ood import COVERAGES, REFUSED, Measured, ScoresByKind, Trial
from tests.benchmarks.ood_scores import OURS, SCORES

from edge_tosca.bench.plotting import load_pyplot
from edge_tosca.bench.table import as_table, mean_and_spread

_COLOURS = {"known": "#1b9e77", "near": "#d95f02", "far": "#7570b3"}
_WORDS = {
    "known": "pictures of known classes",
    "near": "classes of the same kind, never taught",
    "far": "pictures of other sets",
}


def markdown(trials: Sequence[Trial]) -> str:
    """Lay out the learner's decisions, then the separation by every score, then label sets.

    Args:
        trials: of `ood.measure`.

    Returns:
        Markdown: shares in percent and areas under the curve, mean over seeds with the standard deviation.
    """
    cells: dict[tuple[str, int | None], list[Trial]] = defaultdict(list)
    for trial in trials:
        cells[trial.data, trial.shots].append(trial)
    return "\n\n".join(
        [
            _decisions(cells),
            f"Detected and rejected as the learner decides, its threshold set to reject {REFUSED:.0%} of "
            "pictures like the held-out training pictures.",
            _scores(cells),
            "\n".join(f"- {score}: {words}" for score, words in SCORES.items()),
            _label_sets(cells),
            "Label sets of known test pictures: share with the true label, in percent, and mean size.\n",
        ]
    )


_Cells = Mapping[tuple[str, int | None], Sequence[Trial]]


def _decisions(cells: _Cells) -> str:
    header = ["set (taught + untaught classes)", "pictures per class", "AUROC near", "AUROC far"]
    header += ["near detected %", "far detected %", "false rejections %"]
    header += ["of correct / of wrong answers %", "accuracy %"]
    rows = []
    for (name, shots), some in cells.items():
        ours = [trial.scores[OURS] for trial in some]
        rows.append(
            [
                f"{name} ({some[0].known_classes} + {some[0].near_classes})",
                str(shots or "all"),
                _area([one.auroc_near for one in ours]),
                _area([one.auroc_far for one in ours]),
                _percent([trial.caught_near for trial in some]),
                _percent([trial.caught_far for trial in some]),
                _percent([trial.refused for trial in some]),
                f"{_mean_percent([trial.refused_right for trial in some])} / "
                f"{_mean_percent([trial.refused_wrong for trial in some])}",
                _percent([trial.accuracy for trial in some]),
            ]
        )
    return as_table(header, rows)


def _scores(cells: _Cells) -> str:
    rows = []
    for score in SCORES:
        separations = [[trial.scores[score] for trial in some] for some in cells.values()]
        near = [float(np.mean([one.auroc_near for one in some])) for some in separations]
        both = [
            f"{_short(value)} / {_short_mean([one.auroc_far for one in some])}"
            for value, some in zip(near, separations, strict=True)
        ]
        rows.append([score, *both, f"{np.mean(near):.3f}".lstrip("0")])
    heads = [f"{name}, {shots or 'all'}" for name, shots in cells]
    return as_table(["AUROC near / far", *heads, "mean near"], rows)


def _label_sets(cells: _Cells) -> str:
    rows = []
    for (name, shots), some in cells.items():
        covered = [[trial.covered[place] for trial in some] for place in range(len(COVERAGES))]
        shares = [
            f"{_percent([one.found for one in row])}, {np.mean([one.labels for one in row]):.1f} labels"
            for row in covered
        ]
        rows.append([name, str(shots or "all"), *shares])
    return as_table(["set", "pictures per class", *(f"asked {asked:.0%}" for asked in COVERAGES)], rows)


def _mean_percent(shares: Sequence[float | None]) -> str:
    given = [share for share in shares if share is not None]
    return f"{100 * np.mean(given):.1f}" if given else ""


def write(measured: Measured, about: dict[str, Any], folder: Path) -> list[Path]:
    """Write unknowns.md, unknowns.json and unknowns.png.

    Args:
        measured: of `ood.measure`.
        about: how it was made.
        folder: where; made if it is not there.

    Returns:
        The files.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table, data, plot = (folder / f"unknowns.{ending}" for ending in ("md", "json", "png"))
    table.write_text(markdown(measured.trials), encoding="utf-8")
    trials = [asdict(trial) for trial in measured.trials]
    data.write_text(json.dumps({"about": about, "trials": trials}, indent=1) + "\n", encoding="utf-8")
    _plot(measured.scores, plot)
    return [table, data, plot]


def _plot(scores: Sequence[ScoresByKind], path: Path) -> None:
    """Draw the OOD scores of pictures and the threshold, a row a set."""
    pyplot = load_pyplot()
    sets = list(dict.fromkeys(found.data for found in scores))
    shots = list(dict.fromkeys(found.shots for found in scores))
    figure, axes = pyplot.subplots(
        len(sets),
        len(shots),
        figsize=(1.5 + 4.2 * len(shots), 1.2 + 2.3 * len(sets)),
        sharex="row",
        squeeze=False,
        layout="constrained",
    )
    for found in scores:
        every = [v for other in scores if other.data == found.data for v in other.values.values()]
        low, high = np.quantile(np.concatenate(every), [0.002, 0.998])
        bins = np.linspace(low, high, 50)
        axis = axes[sets.index(found.data), shots.index(found.shots)]
        for kind, values in found.values.items():
            if len(values):
                weights = np.full(len(values), 100 / len(values))
                axis.hist(
                    np.clip(values, low, high),
                    bins,
                    weights=weights,
                    alpha=0.55,
                    color=_COLOURS[kind],
                    label=_WORDS[kind],
                )
        axis.set_title(f"{found.data}, {found.shots or 'all'} pictures a class", fontsize=10)
        axis.set_ylabel("share of pictures (%)", fontsize=8)
        if np.isfinite(found.threshold):
            axis.axvline(found.threshold, color="black", linewidth=1.2, label="left of it: called unknown")
            axis.axvspan(low, found.threshold, color="black", alpha=0.05)
        axis.tick_params(labelsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("OOD score (higher: looks more like what was taught)", fontsize=8)
    handles, words = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside upper center", ncols=2 if len(shots) < 3 else 4, fontsize=9)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _percent(values: Sequence[float | None]) -> str:
    return mean_and_spread([100 * value for value in values if value is not None]) or "-"


def _area(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    spread = f" ± {np.std(known):.3f}" if len(known) > 1 else ""
    return f"{np.mean(known):.3f}{spread}" if known else "-"


def _short_mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return _short(float(np.mean(known))) if known else "-"


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
