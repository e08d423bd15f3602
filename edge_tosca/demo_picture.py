"""The demo's figures as one picture that a technician understands at a glance."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from edge_tosca.answer import Answer
from edge_tosca.demo_digits import FIELD_PICTURES, NEW, Digits
from edge_tosca.errors import EdgeToscaError

if TYPE_CHECKING:
    from edge_tosca.demo import DemoReport

_SHOWN = 5
_INK, _QUIET, _BEFORE, _AFTER = "#1f2933", "#6b7785", "#b4bfca", "#1769aa"
_RIGHT, _UNKNOWN, _WRONG = "#1b7f3b", "#b45f06", "#b3261e"
_STEPS = (("features", "#1769aa", "features"), ("train", "#e08e0b", "training"), ("commit", "#7a5195", "filing"))


def draw(report: "DemoReport", digits: Digits, path: Path) -> None:
    """Draw what the demo found.

    Args:
        report: its figures.
        digits: where the test pictures are.
        path: of the PNG, 1950 by 1200 pixels.

    Raises:
        EdgeToscaError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    seconds = report.field.seconds["total"]
    figure.text(
        0.035, 0.945, f"Taught in the field in {seconds:.1f} s: the digits 8 and 9", fontsize=22, weight="bold", color=_INK
    )
    figure.text(
        0.035,
        0.905,
        f"The box knew 0 to 7. It was shown {FIELD_PICTURES} pictures each of 8 and 9. "
        "It now names them, and still names the old ones.",
        fontsize=13,
        color=_QUIET,
    )
    _draw_pictures(figure, report, digits)
    _draw_bars(figure.add_axes((0.575, 0.4, 0.395, 0.4)), report)
    _draw_seconds(figure.add_axes((0.035, 0.13, 0.46, 0.07)), report)
    _draw_modules(figure.add_axes((0.575, 0.05, 0.395, 0.22)), report)
    try:
        figure.savefig(path)
    except OSError as error:
        raise EdgeToscaError(f"{path}: cannot be written ({error.strerror}); name another folder") from None


def _draw_pictures(figure: Any, report: "DemoReport", digits: Digits) -> None:
    _head(figure, 0.035, 0.845, "The first five test pictures of each: its answers")
    for row, label in enumerate(NEW):
        for column in range(_SHOWN):
            axes = figure.add_axes((0.075 + column * 0.087, 0.655 - row * 0.285, 0.075, 0.16))
            axes.imshow(Image.open(digits.test[label][column]), cmap="gray", vmin=0, vmax=255)
            axes.set(xticks=[], yticks=[])
            for side in axes.spines.values():
                side.set_color(_BEFORE)
            for exam, height in ((report.before, -0.17), (report.after, -0.37)):
                words, colour = _verdict(exam.answers[label][column], label)
                axes.text(0.5, height, words, transform=axes.transAxes, ha="center", fontsize=12, color=colour, weight="bold")
            if column == 0:
                for height, words in ((-0.17, "before"), (-0.37, "after")):
                    axes.text(-0.1, height, words, transform=axes.transAxes, ha="right", fontsize=11, color=_QUIET)


def _verdict(answer: Answer, truth: str) -> tuple[str, str]:
    if answer.unknown:
        return "unknown", _UNKNOWN
    return (f"“{answer.label}”", _RIGHT if answer.label == truth else _WRONG)


def _draw_bars(axes: Any, report: "DemoReport") -> None:
    _head(axes.figure, 0.575, 0.845, "Test pictures named right, one at a time, %")
    labels = list(report.after.answers)
    for shift, exam, colour, name in (
        (-0.2, report.before, _BEFORE, "before the lesson"),
        (0.2, report.after, _AFTER, "after it"),
    ):
        heights = [100 * exam.accuracy(label) for label in labels]
        places = [place + shift for place in range(len(labels))]
        axes.bar(places, heights, 0.38, color=colour, label=name)
    for place, label in enumerate(labels):
        height = 100 * report.after.accuracy(label)
        axes.text(place + 0.2, height + 1.5, f"{height:.0f}", ha="center", fontsize=10, color=_AFTER)
    axes.text(8.3, -17, "new", ha="center", fontsize=12, color=_INK)
    axes.set(xlim=(-0.6, 9.6), ylim=(0, 108), yticks=[0, 25, 50, 75, 100])
    axes.set_xticks(range(len(labels)), labels, fontsize=13)
    axes.tick_params(length=0, labelcolor=_INK)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e4e8ec")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, -0.24), ncols=2, frameon=False, fontsize=12)


def _draw_seconds(axes: Any, report: "DemoReport") -> None:
    seconds = report.field.seconds
    _head(axes.figure, 0.035, 0.225, f"Where the lesson's {seconds['total']:.2f} seconds went")
    left = 0.0
    for step, colour, name in _STEPS:
        axes.barh(0, seconds[step], left=left, color=colour, label=f"{name} {seconds[step]:.2f} s")
        left += seconds[step]
    axes.set(xlim=(0, left), ylim=(-0.4, 0.4))
    axes.axis("off")
    axes.legend(loc="upper left", bbox_to_anchor=(-0.015, -0.05), ncols=3, frameon=False, fontsize=12, handlelength=1)


def _draw_modules(axes: Any, report: "DemoReport") -> None:
    _head(axes.figure, 0.575, 0.285, "What it carries: one small module a lesson")
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0, 6))
    columns = (0.0, 0.17, 0.37, 0.52, 0.72)
    rows = [("digits", "module", "size", "zeros", "after the lesson")]
    colours = [_QUIET]
    for lesson in (*report.bench, report.field):
        module = lesson.module
        same = report.unchanged.get(module.digest)
        state = "new" if same is None else "same bytes" if same else "CHANGED"
        colours.append(_AFTER if same is None else _RIGHT if same else _WRONG)
        zeros = f"{1 - module.nonzero / module.parameters:.0%}"
        rows.append((", ".join(lesson.classes), module.digest[:8], f"{module.bytes / 1000:.0f} kB", zeros, state))
    for line, (row, colour) in enumerate(zip(rows, colours, strict=True)):
        for place, (left, words) in enumerate(zip(columns, row, strict=True)):
            shade = colour if place == 4 or line == 0 else _INK
            family = "monospace" if place == 1 and line else "sans-serif"
            axes.text(left, 5.3 - line, words, fontsize=12, color=shade, family=family)


def _head(figure: Any, left: float, bottom: float, words: str) -> None:
    figure.text(left, bottom, words, fontsize=14, weight="bold", color=_INK)
