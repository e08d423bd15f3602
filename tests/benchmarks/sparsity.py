"""How small a module can be: the L1 penalty swept, bytes of a module against accuracy."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.setup import accuracy_inside_tasks, fuse, opinions, train_modules

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures, protocol, protocols
from edge_tosca.bench.plotting import load_pyplot
from edge_tosca.bench.table import as_table, mean_and_spread
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.task_training import SHRINK

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""On the default strength of the penalty."""

AIM = 60
"""Kilobytes that a module at 1280 dimensions is to stay under."""


@dataclass(frozen=True)
class Point:
    """All modules of one protocol under one penalty.

    Attributes:
        data: name of the set.
        task_size: classes a task.
        shots: training pictures a class; None for all.
        seed: of the order and the pictures.
        factor: on the default penalty.
        bytes: of a stored module with its head, the mean over tasks.
        nonzero: share of LuCA's parameters that are not zero.
        module_inside: accuracy of the modules alone, true task given.
        router_inside: accuracy of the router alone, true task given.
        both_inside: accuracy of both with weight 1, true task given.
        accuracy: over all classes, one picture at a time, the weight chosen by the learner.
        weight: that weight.
    """

    data: str
    task_size: int
    shots: int | None
    seed: int
    factor: float
    bytes: float
    nonzero: float
    module_inside: float
    router_inside: float
    both_inside: float
    accuracy: float
    weight: float


def measure(
    sets: Sequence[LabelledFeatures],
    task_sizes: Sequence[int],
    shots: Sequence[int | None],
    seeds: int,
    on_step: Callable[[str], None],
) -> list[Point]:
    """Sweep the penalty on every protocol whose tasks have more than one class.

    Args:
        sets: the data.
        task_sizes: classes a task.
        shots: training pictures a class.
        seeds: orders and draws of pictures.
        on_step: called with what is done next.

    Returns:
        A point a penalty and protocol.
    """
    points = []
    for data, size, shot, seed in protocols(sets, [size for size in task_sizes if size > 1], shots, seeds):
        for factor in FACTORS:
            on_step(
                f"{data.name}, penalty x {factor:g}: tasks of {size}, "
                f"{shot or 'all'} pictures a class, seed {seed}"
            )
            points.append(_point(data, size, shot, seed, factor))
    return points


def _point(data: LabelledFeatures, size: int, shot: int | None, seed: int, factor: float) -> Point:
    drawn = protocol(data, size, shot, seed)
    trained = train_modules(drawn, shrink=factor * SHRINK)
    ours = fuse(trained)
    alone = np.zeros((len(drawn.test), len(drawn.groups)))
    for columns, opinion in opinions(trained, normalize(drawn.test)):
        alone[:, columns] = opinion

    def inside(logs: Array) -> float:
        return accuracy_inside_tasks(logs, drawn.truth, drawn.tasks)

    return Point(
        data.name,
        size,
        shot,
        seed,
        factor,
        bytes=float(np.mean([len(module.to_bytes()) for module in trained.modules])),
        nonzero=float(np.mean([module.nonzero / module.size for module in trained.modules])),
        module_inside=inside(alone),
        router_inside=inside(ours.weighing(0.0).log_posterior()),
        both_inside=inside(ours.weighing(1.0).log_posterior()),
        accuracy=float(np.mean(ours.log_posterior().argmax(axis=1) == drawn.truth)),
        weight=ours.router.module_weight,
    )


def _by_protocol(points: Sequence[Point]) -> dict[tuple[str, int, int | None], dict[float, list[Point]]]:
    found: dict[tuple[str, int, int | None], dict[float, list[Point]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for point in points:
        found[point.data, point.task_size, point.shots][point.factor].append(point)
    return found


def markdown(points: Sequence[Point]) -> str:
    """Lay out the points, a row a penalty.

    Args:
        points: of `measure`.

    Returns:
        Markdown.
    """
    rows = []
    for (name, size, shots), swept in _by_protocol(points).items():
        for factor, some in swept.items():
            rows.append(
                [
                    name,
                    str(size),
                    str(shots or "all"),
                    f"{factor:g}",
                    mean_and_spread(point.bytes / 1000 for point in some),
                    mean_and_spread(100 * point.nonzero for point in some),
                    *(
                        mean_and_spread(100 * getattr(point, value) for point in some)
                        for value in ("module_inside", "router_inside", "both_inside", "accuracy")
                    ),
                ]
            )
    header = ["set", "classes a task", "pictures a class", "penalty", "KB a module", "not zero (%)"]
    header += ["module, task given", "router, task given", "both, task given", "ours, all classes"]
    return (
        "Bytes of a stored module, head included, against accuracy in percent; penalty 1 is the default.\n\n"
        + as_table(header, rows)
        + "\n"
    )


def plot(points: Sequence[Point], path: Path) -> Path:
    """Draw a panel a protocol.

    Args:
        points: of `measure`.
        path: of the PNG file.

    Returns:
        The path.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    pyplot = load_pyplot()
    found = _by_protocol(points)
    columns = 2 if len(found) == 4 else min(3, max(1, len(found)))
    lines = -(-len(found) // columns) or 1
    figure, axes = pyplot.subplots(
        lines,
        columns,
        figsize=(max(4.6 * columns, 7) + 1, 3.6 * lines + 1.1),
        squeeze=False,
        layout="constrained",
    )
    for panel in axes.flat[len(found) :]:
        panel.set_axis_off()
    handles: dict[str, Any] = {}
    for panel, ((name, size, shots), swept) in zip(axes.flat, found.items(), strict=False):
        kilobytes = [np.mean([point.bytes for point in some]) / 1000 for some in swept.values()]
        for value, name_of_line, style in (
            ("both_inside", "module and router, task given", "C0o-"),
            ("module_inside", "module alone, task given", "C1s-"),
            ("router_inside", "router alone, task given", "k--"),
            ("accuracy", "ours, task not given (all classes)", "C2^-"),
        ):
            mean = [100 * np.mean([getattr(point, value) for point in some]) for some in swept.values()]
            (handles[name_of_line],) = panel.plot(kilobytes, mean, style, markersize=4)
            if 1.0 in swept:
                place = list(swept).index(1.0)
                handles["the default penalty"] = panel.scatter(
                    kilobytes[place], mean[place], s=110, facecolors="none", edgecolors="0.4"
                )
        handles[f"{AIM} KB"] = panel.axvline(AIM, color="C3", linestyle=":")
        panel.set_xscale("log")
        panel.set_xticks([20, 30, 60, 100, 200, 400], ["20", "30", "60", "100", "200", "400"])
        panel.minorticks_off()
        panel.set_title(f"{name}, {shots or 'all'} pictures a class, tasks of {size}", fontsize=10)
        panel.set(xlabel="kilobytes of a stored module", ylabel="test pictures named right (%)")
        panel.grid(alpha=0.3)
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=min(3, columns + 1),
        fontsize=9,
    )
    figure.suptitle(
        "How small can a module be?\nThe L1 penalty swept from a quarter of the default to eight times"
    )
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path
