"""A figure of what one more lesson costs, against the number of boxes."""

from pathlib import Path
from typing import Any


def draw(costs: list[dict[str, Any]], path: Path) -> None:
    """Draw messages and bytes of one lesson: counted, and by the formulae of docs/fleet-cost.md.

    Args:
        costs: of `Cost.to_json`.
        path: of the figure; its suffix is the format.
    """
    from matplotlib.figure import Figure

    boxes = [one["boxes"] for one in costs]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    sizes = range(2, 101)
    messages = [sum(one["lesson_sent"].values()) + sum(one["lesson_came"].values()) for one in costs]
    left.plot(sizes, [n * n + 3 * n + 1 for n in sizes], "--", color="0.6", label="N² + 3N + 1")
    left.plot(sizes, [3 * n + 1 for n in sizes], ":", color="0.4", label="3N + 1, above 100 members")
    left.plot(boxes, messages, "o", label="counted")
    left.set(xlabel="boxes", ylabel="messages of one lesson", xscale="log", yscale="log")
    left.legend()
    for kind in ("blob", "add", "have"):
        bytes_ = [
            (one["lesson_sent_bytes"].get(kind, 0) + one["lesson_came_bytes"].get(kind, 0)) / one["boxes"]
            for one in costs
        ]
        right.plot(boxes, bytes_, "o-", label=kind)
    right.set(xlabel="boxes", ylabel="bytes a box of one lesson", xscale="log", yscale="log")
    right.legend()
    figure.savefig(path, dpi=110)
