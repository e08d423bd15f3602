"""Results as a Markdown table, a JSON file and plots."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.bench.accuracy import METHODS, Comparison, Result
from edge_tosca.errors import MissingExtraError


def markdown(results: Sequence[Result]) -> str:
    """Lay out the results, a row a protocol and a column a method.

    Args:
        results: of `accuracy.compare`.

    Returns:
        Markdown: accuracy in percent after the last task, mean over seeds with the standard deviation.
    """
    methods = [method for method in METHODS if any(result.method == method for result in results)]
    cells: dict[tuple[str, int, int | None], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        cells[result.data, result.task_size, result.shots][result.method].append(result)
    header = ["set", "classes a task", "pictures a class", *methods]
    incremental = any(result.average is not None for result in results)
    if incremental:
        header += ["A-bar (ours)", "forgetting (ours)"]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for (name, size, shots), row in cells.items():
        values = [
            mean_and_spread([100 * result.last for result in row.get(method, [])]) for method in methods
        ]
        if incremental:
            values += [
                mean_and_spread([100 * r.average for r in row["ours"] if r.average is not None]),
                mean_and_spread([100 * r.forgetting for r in row["ours"] if r.forgetting is not None]),
            ]
        lines.append("| " + " | ".join([name, str(size), str(shots or "all"), *values]) + " |")
    notes = [f"- {method}: {METHODS[method]}" for method in methods]
    return (
        "\n".join([*lines, "", "Accuracy in percent over all classes after the last task.", "", *notes])
        + "\n"
    )


def write(comparison: Comparison, about: dict[str, Any], folder: Path) -> list[Path]:
    """Write accuracy.md, accuracy.json and the plots.

    Args:
        comparison: of `accuracy.compare`.
        about: how it was made.
        folder: where; made if it is not there.

    Returns:
        The files.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table, data = folder / "accuracy.md", folder / "accuracy.json"
    table.write_text(markdown(comparison.results), encoding="utf-8")
    results = [asdict(result) for result in comparison.results]
    data.write_text(json.dumps({"about": about, "results": results}, indent=1) + "\n", encoding="utf-8")
    plots = [_plot_curves(comparison, folder / "tasks.png")] if _has_curves(comparison.results) else []
    plots += [
        _plot_confusion(comparison, name, folder / f"confusion-{name}.png") for name in comparison.confusion
    ]
    return [table, data, *plots]


def mean_and_spread(values: Iterable[float]) -> str:
    """Write values as their mean and, where there are several, their standard deviation."""
    known = list(values)
    if not known:
        return ""
    spread = f" ± {np.std(known):.1f}" if len(known) > 1 else ""
    return f"{np.mean(known):.1f}{spread}"


def _has_curves(results: Sequence[Result]) -> bool:
    return any(len(result.curve) > 1 for result in results)


def load_pyplot() -> Any:
    """Import matplotlib for files, without a display.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import matplotlib
    except ModuleNotFoundError:
        raise MissingExtraError("matplotlib", "demo") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _plot_curves(comparison: Comparison, path: Path) -> Path:
    """Draw one panel a set: colours tell the pictures a class, line styles the size of the tasks."""
    pyplot = load_pyplot()
    curves: dict[str, dict[tuple[int | None, int], list[tuple[float, ...]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for result in comparison.results:
        if result.method == "ours" and len(result.curve) > 1:
            curves[result.data][result.shots, result.task_size].append(result.curve)
    figure, panels = pyplot.subplots(
        1, len(curves), figsize=(5 * len(curves) + 1, 4.5), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (name, found) in zip(panels[0], curves.items(), strict=True):
        shots = list(dict.fromkeys(shot for shot, _ in found))
        sizes = list(dict.fromkeys(size for _, size in found))
        for (shot, size), runs in found.items():
            mean = 100 * np.mean(runs, axis=0)
            axes.plot(
                size * np.arange(1, len(mean) + 1),
                mean,
                color=f"C{shots.index(shot) % 10}",
                linestyle=("-", "--", ":", "-.")[sizes.index(size) % 4],
                marker="o",
                markersize=3,
                label=f"{shot or 'all'} pictures a class, tasks of {size}",
            )
        axes.set(xlabel="classes learned so far", title=name)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    panels[0][0].set_ylabel("test pictures named right (%)")
    figure.suptitle("Accuracy over all classes so far, after each task; one picture at a time")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path


def _plot_confusion(comparison: Comparison, name: str, path: Path) -> Path:
    pyplot = load_pyplot()
    table, classes = comparison.confusion[name], comparison.classes[name]
    order = np.argsort(classes)
    shares = table[np.ix_(order, order)] / np.maximum(table[order].sum(axis=1, keepdims=True), 1)
    side = max(5.0, 0.16 * len(classes) + 3)
    figure, axes = pyplot.subplots(figsize=(side, side), layout="constrained")
    image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100)
    names = [classes[place] for place in order]
    size = 8 if len(names) <= 30 else 5
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.set(xlabel="answered", ylabel="true class", title=f"{name}: share of each class's pictures (%)")
    figure.colorbar(image, shrink=0.7)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path
