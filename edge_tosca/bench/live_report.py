"""The live measurement as a table and as a plot."""

from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.bench.live import LiveRun
from edge_tosca.bench.live_figures import Sample
from edge_tosca.bench.plotting import load_pyplot
from edge_tosca.bench.table import as_table

_MOMENTS = (1, 5, 10, 20, 30)
_SMOOTHED = 5


def markdown(run: LiveRun) -> str:
    """Lay out a run.

    Args:
        run: of `edge_tosca.bench.live.measure`.

    Returns:
        Markdown.
    """
    scene = run.scene
    rows = [
        [
            name,
            f"{phase.seconds:.0f}",
            f"{phase.frames:.1f}",
            f"{phase.answers:.1f}",
            f"{phase.skipped:.1%}",
            f"{phase.p50:.0f}",
            f"{phase.p99:.0f}",
            f"{phase.worst_p99:.0f}",
            f"{phase.cpu:.2f}",
        ]
        for name, phase in (("a page reads", run.quiet), ("and a client teaches", run.teaching))
    ]
    header = [
        "meanwhile",
        "seconds",
        "frames/s",
        "answers/s",
        "frames dropped",
        "latency p50, ms",
        "p99, ms",
        "worst p99, ms",
        "cores busy",
    ]
    memory = ", ".join(f"{rss:.0f} MB after {minute} min" for minute, rss in memory_at(run.samples))
    return (
        f"A camera of {scene['width']} x {scene['height']} at {scene['fps']} frames a second, "
        f"{scene['classes']} classes known; {len(run.lessons)} lessons taught and rolled back, "
        f"{np.median(run.lessons):.1f} s each (median). The page got {run.events} answers.\n\n"
        f"{as_table(header, rows)}\n\nMemory: {memory}; after the first tenth of the run it grew by "
        f"{run.slope:+.1f} MB an hour. Load of the machine: {np.mean([one.load for one in run.samples]):.1f}."
    )


def memory_at(samples: list[Sample]) -> list[tuple[int, float]]:
    """Return memory at some minutes of a run.

    Args:
        samples: of the run.

    Returns:
        Minute and megabytes; only minutes that the run has.
    """
    last = samples[-1].at
    return [
        (minute, min(samples, key=lambda one: abs(one.at - 60 * minute)).rss)
        for minute in _MOMENTS
        if 60 * minute <= last + 5
    ]


def plot(run: LiveRun, path: Path) -> Path:
    """Draw memory, latency and rate over time.

    Args:
        run: of `edge_tosca.bench.live.measure`.
        path: of the PNG.

    Returns:
        The same path.
    """
    pyplot = load_pyplot()
    samples = run.samples
    minutes = np.array([one.at for one in samples]) / 60
    figure, (memory, latency, rate) = pyplot.subplots(3, 1, figsize=(9, 8), sharex=True, layout="constrained")
    for axes in (memory, latency, rate):
        _shade(axes, samples)
        axes.grid(alpha=0.3)
    memory.plot(minutes, [one.rss for one in samples], color="C0")
    memory.set(ylabel="memory of the service (MB)", ylim=(0, 1.25 * max(one.rss for one in samples)))
    memory.set_title(
        f"{run.scene['width']} x {run.scene['height']} at {run.scene['fps']} frames a second through "
        f"edge-tosca serve; memory {run.slope:+.1f} MB an hour"
    )
    latency.plot(
        minutes, [one.p99 for one in samples], color="C3", label="99 % of the last 600 answers within"
    )
    latency.plot(minutes, [one.p50 for one in samples], color="C0", label="half of them within")
    latency.set(ylabel="from frame to answer (ms)", ylim=(0, None))
    latency.legend(loc="upper right", fontsize=8)
    for values, colour, name in (
        ([one.frames for one in samples], "0.5", "frames of the camera"),
        ([one.answered for one in samples], "C0", "answers"),
        ([one.skipped for one in samples], "C3", "frames dropped"),
    ):
        steps = np.subtract(values[_SMOOTHED:], values[:-_SMOOTHED]) / (
            60 * (minutes[_SMOOTHED:] - minutes[:-_SMOOTHED])
        )
        rate.plot(minutes[_SMOOTHED:], steps, color=colour, label=name, linewidth=1)
    rate.set(ylabel="a second", xlabel="minutes (shaded: another client teaches a class again and again)")
    rate.set_ylim(0, None)
    rate.legend(loc="center right", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path


def _shade(axes: Any, samples: list[Sample]) -> None:
    begun = None
    for one in [*samples, None]:
        if one is not None and one.teaching:
            begun = one.at if begun is None else begun
        elif begun is not None:
            axes.axvspan(begun / 60, (one or samples[-1]).at / 60, color="0.9", zorder=0)
            begun = None
