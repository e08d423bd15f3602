"""Results of a comparison as Markdown tables."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from edge_tosca.bench.results import METHODS, TITLES, Result

_PROTOCOL = ["set", "classes a task", "pictures a class"]


def markdown(results: Sequence[Result]) -> str:
    """Lay out the results, a row a protocol and a column a method.

    Args:
        results: of `accuracy.compare`.

    Returns:
        Markdown: accuracy in percent after the last task, mean over seeds with the standard deviation; below
        it the forgetting of the methods that were evaluated after every task.
    """
    methods = [method for method in METHODS if any(result.method == method for result in results)]
    cells: dict[tuple[str, int, int | None], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        cells[result.data, result.task_size, result.shots][result.method].append(result)
    rows, lost = [], []
    for (name, size, shots), row in cells.items():
        protocol = [name, str(size), str(shots or "all")]
        seeds = max(len(found) for found in row.values())
        rows.append(
            [*protocol, str(seeds), *(mean_and_spread(100 * r.last for r in row[m]) for m in methods)]
        )
        for method in methods:
            if found := [result for result in row[method] if result.average is not None]:
                a_bar, forgetting = (
                    mean_and_spread(100 * getattr(result, value) for result in found)
                    for value in ("average", "forgetting")
                )
                last = mean_and_spread(100 * result.last for result in found)
                lost.append([*protocol, TITLES[method], a_bar, last, forgetting])
    parts = [
        "Accuracy in percent over all classes after the last task, one picture at a time.",
        as_table([*_PROTOCOL, "seeds", *(TITLES[method] for method in methods)], rows),
    ]
    if lost:
        parts += [
            "A-bar is the mean of the accuracies after each task; forgetting is the accuracy that a task's "
            "pictures lose, on average, from their best to the end, among all classes.",
            as_table([*_PROTOCOL, "method", "A-bar", "last", "forgetting"], lost),
        ]
    parts.append("\n".join(f"- {TITLES[method]}: {METHODS[method]}" for method in methods))
    return "\n\n".join(parts) + "\n"


def as_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table.

    Args:
        header: names of the columns.
        rows: as many cells each.

    Returns:
        Its lines.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def mean_and_spread(values: Iterable[float]) -> str:
    """Write values as their mean and, where there are several, their standard deviation."""
    known = list(values)
    if not known:
        return ""
    spread = f" ± {np.std(known):.1f}" if len(known) > 1 else ""
    return f"{np.mean(known):.1f}{spread}"
