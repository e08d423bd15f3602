"""What was found about unknowns, as Markdown tables, a JSON file and a plot."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.bench.plotting import load_pyplot
from edge_tosca.bench.table import mean_and_spread
from edge_tosca.bench.unknown_scores import SCORES
from edge_tosca.bench.unknowns import COVERAGES, REFUSED, Familiarities, Measured, Trial

_COLOURS = {"known": "#1b9e77", "near": "#d95f02", "far": "#7570b3"}
_WORDS = {
    "known": "pictures of known classes",
    "near": "classes of the same kind, never taught",
    "far": "pictures of other sets",
}


def markdown(trials: Sequence[Trial]) -> str:
    """Lay out what the learner does, then how every score tells.

    Args:
        trials: of `unknowns.measure`.

    Returns:
        Markdown: shares in percent and areas under the curve, mean over seeds with the standard deviation.
    """
    cells: dict[tuple[str, int | None], list[Trial]] = defaultdict(list)
    for trial in trials:
        cells[trial.data, trial.shots].append(trial)
    header = ["set (classes taught + left out)", "pictures a class", "AUROC near", "AUROC far"]
    header += [
        "near caught %",
        "far caught %",
        "known refused %",
        "of right / of wrong answers %",
        "accuracy %",
    ]
    lines = _row(header), "|" + "---|" * len(header)
    learner = [*lines]
    for (name, shots), row in cells.items():
        told = [trial.scores["ours"] for trial in row]
        learner.append(
            _row(
                [
                    f"{name} ({row[0].known_classes} + {row[0].near_classes})",
                    str(shots or "all"),
                    _area([t.auroc_near for t in told]),
                    _area([t.auroc_far for t in told]),
                    _percent([trial.caught_near for trial in row]),
                    _percent([trial.caught_far for trial in row]),
                    _percent([trial.refused for trial in row]),
                    f"{_mean_percent([t.refused_right for t in row])} / "
                    f"{_mean_percent([t.refused_wrong for t in row])}",
                    _percent([trial.accuracy for trial in row]),
                ]
            )
        )
    header = ["AUROC near / far", *(f"{name}, {shots or 'all'}" for name, shots in cells), "mean near"]
    scores = [_row(header), "|" + "---|" * len(header)]
    for score in SCORES:
        told_by = [[trial.scores[score] for trial in row] for row in cells.values()]
        near = [float(np.mean([t.auroc_near for t in told])) for told in told_by]
        both = [
            f"{_short(value)} / {_short_mean([t.auroc_far for t in told])}"
            for value, told in zip(near, told_by, strict=True)
        ]
        scores.append(_row([score, *both, f"{np.mean(near):.3f}".lstrip("0")]))
    notes = [f"- {score}: {words}" for score, words in SCORES.items()]
    header = ["set", "pictures a class", *(f"asked {asked:.0%}" for asked in COVERAGES)]
    sets = [_row(header), "|" + "---|" * len(header)]
    for (name, shots), row in cells.items():
        found = [[trial.covered[place] for trial in row] for place in range(len(COVERAGES))]
        shares = [
            f"{_percent([c.found for c in some])}, {np.mean([c.labels for c in some]):.1f} labels"
            for some in found
        ]
        sets.append(_row([name, str(shots or "all"), *shares]))
    return "\n".join(
        [
            *learner,
            "",
            f"Caught and refused as the learner decides, its threshold set to refuse {REFUSED:.0%} of "
            "pictures like the left-out training pictures.",
            "",
            *scores,
            "",
            *notes,
            "",
            *sets,
            "",
            "Label sets of known test pictures: share that hold the truth, in percent, and mean size.",
            "",
        ]
    )


def _mean_percent(shares: Sequence[float | None]) -> str:
    given = [share for share in shares if share is not None]
    return f"{100 * np.mean(given):.1f}" if given else ""


def write(measured: Measured, about: dict[str, Any], folder: Path) -> list[Path]:
    """Write unknowns.md, unknowns.json and unknowns.png.

    Args:
        measured: of `unknowns.measure`.
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
    _plot(measured.familiarities, plot)
    return [table, data, plot]


def _plot(familiarities: Sequence[Familiarities], path: Path) -> None:
    """Draw how familiar pictures look and where unknown begins, a row a set."""
    pyplot = load_pyplot()
    sets = list(dict.fromkeys(f.data for f in familiarities))
    shots = list(dict.fromkeys(f.shots for f in familiarities))
    figure, axes = pyplot.subplots(
        len(sets),
        len(shots),
        figsize=(1.5 + 4.2 * len(shots), 1.2 + 2.3 * len(sets)),
        sharex="row",
        squeeze=False,
        layout="constrained",
    )
    for found in familiarities:
        every = [v for f in familiarities if f.data == found.data for v in f.values.values()]
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
        axis.set_xlabel("familiarity (higher: looks more like what was taught)", fontsize=8)
    handles, words = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside upper center", ncols=2 if len(shots) < 3 else 4, fontsize=9)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


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
