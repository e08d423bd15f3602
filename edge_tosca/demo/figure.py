"""Draw the demo's report as one picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from edge_tosca.demo.digits import FIELD_PICTURES, NEW, OLD, Digits
from edge_tosca.errors import EdgeToscaError
from edge_tosca.results import Answer

if TYPE_CHECKING:
    from edge_tosca.demo.report import DemoReport

_SHOWN = 5
_INK, _QUIET, _BEFORE, _AFTER = "#1f2933", "#6b7785", "#b4bfca", "#1769aa"
_RIGHT, _UNKNOWN, _WRONG = "#1b7f3b", "#b45f06", "#b3261e"
_STEPS = (
    ("features", "#1769aa", "features"),
    ("train", "#e08e0b", "training"),
    ("commit", "#7a5195", "check and file"),
)


def draw(report: "DemoReport", digits: Digits, path: Path) -> None:
    """Draw the report.

    Args:
        report: of the demo.
        digits: the picture files.
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
        0.035,
        0.945,
        f"Taught in the field in {seconds:.1f} s: the digits 8 and 9",
        fontsize=22,
        weight="bold",
        color=_INK,
    )
    figure.text(
        0.035,
        0.905,
        f"The box knew 0 to 7 and was shown {FIELD_PICTURES} pictures each of 8 and 9. "
        f"Named right now: new {report.after.accuracy(*NEW):.0%}, "
        f"old {report.after.accuracy(*OLD):.0%} (before: {report.before.accuracy(*OLD):.0%}).",
        fontsize=13,
        color=_QUIET,
    )
    _draw_pictures(figure, report, digits)
    _draw_bars(figure.add_axes((0.575, 0.42, 0.395, 0.39)), report)
    _draw_seconds(figure.add_axes((0.035, 0.18, 0.478, 0.055)), report)
    _draw_modules(figure.add_axes((0.575, 0.045, 0.395, 0.21)), report)
    try:
        figure.savefig(path)
    except OSError as error:
        raise EdgeToscaError(f"{path}: cannot be written ({error.strerror}); name another folder") from None


def _draw_pictures(figure: Any, report: "DemoReport", digits: Digits) -> None:
    _head(figure, 0.035, 0.845, "Its answers to the first five test pictures of each")
    for row, label in enumerate(NEW):
        for column in range(_SHOWN):
            axes = figure.add_axes((0.085 + column * 0.087, 0.665 - row * 0.235, 0.08, 0.13))
            axes.imshow(Image.open(digits.test[label][column]), cmap="gray", vmin=0, vmax=255)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_color(_BEFORE)
            place = {"transform": axes.transAxes, "va": "baseline"}
            for exam, height, when in ((report.before, -0.2, "before"), (report.after, -0.42, "after")):
                words, colour = _verdict(exam.answers[label][column], label)
                axes.text(0.5, height, words, ha="center", fontsize=13, color=colour, weight="bold", **place)
                if column == 0:
                    axes.text(-0.12, height, when, ha="right", fontsize=12, color=_QUIET, **place)
    explained = "With a question mark: its guess, but it flags the picture as unknown"
    figure.text(0.035, 0.342, explained, fontsize=12, color=_QUIET)


def _verdict(answer: Answer, truth: str) -> tuple[str, str]:
    if answer.label == truth:
        return (f"{truth}?", _UNKNOWN) if answer.unknown else (truth, _RIGHT)
    return ("unknown", _UNKNOWN) if answer.unknown else (answer.label, _WRONG)


def _draw_bars(axes: Any, report: "DemoReport") -> None:
    _head(axes.figure, 0.575, 0.845, "Test pictures named right, one at a time, %")
    labels = list(report.after.answers)
    for shift, exam, colour, name in (
        (-0.2, report.before, _BEFORE, "before the lesson"),
        (0.2, report.after, _AFTER, "after it"),
    ):
        places = [place + shift for place in range(len(labels))]
        named = [100 * exam.accuracy(label) for label in labels]
        accepted = [100 * exam.accepted(label) for label in labels]
        axes.bar(places, accepted, 0.38, color=colour, label=name)
        doubted = [right - sure for right, sure in zip(named, accepted, strict=True)]
        axes.bar(
            places, doubted, 0.37, bottom=accepted, color="white", edgecolor=colour, linewidth=1, hatch="////"
        )
    axes.bar([0], [0], color="white", edgecolor=_QUIET, hatch="////", label="right, but flagged unknown")
    for place, label in enumerate(labels):
        height = 100 * report.after.accuracy(label)
        axes.text(place + 0.2, height + 1.5, f"{height:.0f}", ha="center", fontsize=11, color=_AFTER)
    axes.set(xlim=(-0.6, 9.6), ylim=(0, 108), yticks=[0, 25, 50, 75, 100])
    axes.set_xticks(
        range(len(labels)), [f"{label}\nnew" if label in NEW else label for label in labels], fontsize=13
    )
    axes.tick_params(length=0, labelcolor=_INK)
    axes.tick_params(axis="y", labelsize=12)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e4e8ec")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, -0.33),
        ncols=3,
        frameon=False,
        fontsize=11,
        handlelength=1,
        columnspacing=1,
    )


def _draw_seconds(axes: Any, report: "DemoReport") -> None:
    seconds = report.field.seconds
    _head(axes.figure, 0.035, 0.265, f"Where the lesson's {seconds['total']:.2f} seconds went")
    left = 0.0
    for step, colour, name in _STEPS:
        axes.barh(0, seconds[step], left=left, color=colour, label=f"{name} {seconds[step]:.2f} s")
        left += seconds[step]
    axes.set(xlim=(0, left), ylim=(-0.4, 0.4))
    axes.axis("off")
    axes.legend(
        loc="upper left", bbox_to_anchor=(-0.015, -0.05), ncols=3, frameon=False, fontsize=12, handlelength=1
    )
    answer = sum(report.after.milliseconds.values())
    words = f"One answer takes {answer:.1f} ms on this machine."
    axes.figure.text(0.035, 0.082, words, fontsize=12, color=_QUIET)


def _draw_modules(axes: Any, report: "DemoReport") -> None:
    _head(axes.figure, 0.575, 0.265, "What it carries: one small module a lesson")
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
        zeros = f"{1 - module.nonzero / module.parameters:.1%}"
        rows.append(
            (", ".join(lesson.classes), module.digest[:8], f"{module.bytes / 1000:.0f} kB", zeros, state)
        )
    for line, (row, colour) in enumerate(zip(rows, colours, strict=True)):
        for place, (left, words) in enumerate(zip(columns, row, strict=True)):
            shade = colour if place == 4 or line == 0 else _INK
            family = "monospace" if place == 1 and line else "sans-serif"
            axes.text(left, 5.3 - line, words, fontsize=12, color=shade, family=family)


def _head(figure: Any, left: float, bottom: float, words: str) -> None:
    figure.text(left, bottom, words, fontsize=14, weight="bold", color=_INK)
