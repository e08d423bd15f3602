"""Results of a comparison as plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.bench.plotting import load_pyplot
from edge_tosca.bench.results import OURS, TITLES, Comparison, Confusion, Result, means_by

_COLOURS = {OURS: "C0", "slda": "C2", "ncm": "C7", "entropy": "C3", "probe": "k", "ranpac": "C4"}
_LARGE = 30


def draw(comparison: Comparison, folder: Path) -> list[Path]:
    """Draw accuracy over tasks, forgetting, and the confusion matrices.

    Args:
        comparison: of `accuracy.compare`.
        folder: where.

    Returns:
        The files.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    drawn = []
    panels = _panels(comparison.results)
    if panels:
        known = {name: len(found.classes) for name, found in (comparison.confusion or {}).items()}
        drawn += [
            _over_tasks(panels, known, folder / "tasks.png"),
            _forgetting(panels, folder / "forgetting.png"),
        ]
    for name, confusion in (comparison.confusion or {}).items():
        drawn.append(_confusion(name, confusion, folder / f"confusion-{name}.png"))
    return drawn


def _panels(results: Sequence[Result]) -> dict[tuple[str, int | None], list[Result]]:
    """Find, for every set and number of pictures, the finest cut into tasks with a curve of ours."""
    panels: dict[tuple[str, int | None], list[Result]] = {}
    for result in results:
        if result.method == OURS and result.curve:
            key = result.data, result.shots
            if key not in panels or result.task_size < panels[key][0].task_size:
                panels[key] = [
                    other
                    for other in results
                    if (other.data, other.shots, other.task_size) == (*key, result.task_size)
                ]
    return panels


def _grid(panels: dict[tuple[str, int | None], list[Result]], pyplot: Any) -> tuple[Any, dict[Any, Any]]:
    """Lay out a column a set and a row a number of pictures."""
    sets = list(dict.fromkeys(name for name, _ in panels))
    shots = sorted({shot for _, shot in panels}, key=lambda shot: np.inf if shot is None else shot)
    figure, axes = pyplot.subplots(
        len(shots),
        len(sets),
        figsize=(max(4.6 * len(sets), 7) + 1, 3.4 * len(shots) + 0.9),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    placed = {}
    for row, shot in enumerate(shots):
        for column, name in enumerate(sets):
            if (name, shot) in panels:
                placed[name, shot] = axes[row][column]
                axes[row][column].tick_params(labelleft=True)
            else:
                axes[row][column].set_axis_off()
    return figure, placed


def _over_tasks(
    panels: dict[tuple[str, int | None], list[Result]], known: dict[str, int], path: Path
) -> Path:
    pyplot = load_pyplot()
    figure, placed = _grid(panels, pyplot)
    lines: dict[str, Any] = {}
    for (name, shot), axes in placed.items():
        results = panels[name, shot]
        size, classes = results[0].task_size, 0
        for method in (OURS, "slda", "ncm", "entropy"):
            curve = 100 * means_by(results, method, "curve")
            if len(curve):
                # The last task may have fewer classes than the others.
                classes = known.get(name, size * len(curve))
                learned = np.minimum(size * np.arange(1, len(curve) + 1), classes)
                (lines[method],) = axes.plot(
                    learned,
                    curve,
                    color=_COLOURS[method],
                    linewidth=2.5 if method == OURS else 1.3,
                    marker="o",
                    markersize=3,
                )
        for method, marker in (("ranpac", "+"), ("probe", "x")):
            last = [100 * result.last for result in results if result.method == method]
            if last:
                lines[method] = axes.scatter(
                    [classes], [np.mean(last)], marker=marker, color=_COLOURS[method], s=50, zorder=5
                )
        axes.set_title(f"{name}, {shot or 'all'} pictures a class, tasks of {size}", fontsize=10)
        axes.set_xlabel("classes learned so far")
        axes.set_ylabel("accuracy (%)" if axes.get_subplotspec().is_first_col() else "")
        axes.grid(alpha=0.3)
    names = [TITLES[m] + (", all classes at once" if m in ("probe", "ranpac") else "") for m in lines]
    figure.legend(list(lines.values()), names, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle("Accuracy as more classes are learned\nOne picture at a time, among all classes so far")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path


def _forgetting(panels: dict[tuple[str, int | None], list[Result]], path: Path) -> Path:
    pyplot = load_pyplot()
    figure, placed = _grid(panels, pyplot)
    handles: list[Any] = []
    for (name, shot), axes in placed.items():
        results = panels[name, shot]
        learned, final = (100 * means_by(results, OURS, value) for value in ("learned", "final"))
        place = np.arange(1, len(learned) + 1)
        axes.vlines(place, final, learned, color="0.75", linewidth=2)
        handles = [
            axes.scatter(place, learned, color="0.5", marker="_", s=60, linewidths=2),
            axes.scatter(place, final, color="C0", s=18, zorder=3),
        ]
        axes.set_title(f"{name}, {shot or 'all'} pictures a class", fontsize=10)
        axes.set_xlabel(f"task, in the order of learning (tasks of {results[0].task_size})")
        axes.set_ylabel("accuracy on its test pictures (%)" if axes.get_subplotspec().is_first_col() else "")
        axes.grid(alpha=0.3)
    names = ["right after the task was learned", "after the last task, among all classes"]
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=9)
    figure.suptitle("What each task loses as others are learned, edge-tosca")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path


def _confusion(name: str, confusion: Confusion, path: Path) -> Path:
    """Draw the matrix; of many classes only the most confused ones, for the others could not be read."""
    pyplot = load_pyplot()
    shown = np.argsort(confusion.classes)
    counts, title = confusion.counts, f"{name}: answers to the test pictures of each class (%)"
    if len(shown) > _LARGE:
        wrong = counts * (1 - np.eye(len(counts), dtype=int))
        worst = np.argsort(-(wrong + wrong.T).max(axis=1), kind="stable")[:_LARGE]
        shown = np.array([place for place in shown if place in worst])
        title = f"{name}: answers (%), the {_LARGE} of {len(counts)} classes that are confused most"
    shares = 100 * counts[np.ix_(shown, shown)] / np.maximum(counts[shown].sum(axis=1, keepdims=True), 1)
    side = max(5.5, 0.3 * len(shown) + 3)
    figure, axes = pyplot.subplots(figsize=(side, side), layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    names = [confusion.classes[place] for place in shown]
    for row, column in np.argwhere(shares >= 1):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{share:.0f}",
            ha="center",
            va="center",
            fontsize=7,
            color=("white" if share > 60 else "black")
            if row == column
            else ("lightsalmon" if share > 60 else "C3"),
        )
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="answered", ylabel="true class", title=title)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path
