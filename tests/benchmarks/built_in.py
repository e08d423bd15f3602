"""The two built-in bundles: the router's accuracy on single pictures, and the backbone's time, in pairs."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from tests.benchmarks.levels import accuracy_and_weight

from edge_tosca.bench.data import LabelledFeatures, protocol
from edge_tosca.bench.table import as_table
from edge_tosca.runtime import Backend, Bundle, open_backend


@dataclass(frozen=True)
class Trial:
    """One draw of pictures, taught as one lesson; accuracies in 0 .. 1.

    Attributes:
        data: name of the set.
        shots: training pictures a class; None for all.
        seed: of the draw.
        last: accuracy on single test pictures with the last feature of `fast` alone.
        fast: the same with all parts of `fast`.
        accurate: the same with all parts of `accurate`.
    """

    data: str
    shots: int | None
    seed: int
    last: float
    fast: float
    accurate: float


@dataclass(frozen=True)
class Time:
    """Processor time of one picture in a backbone, milliseconds, on one thread.

    Attributes:
        runtime: that ran it.
        last: of `fast` with the last feature alone, median.
        fast: of `fast`, median.
        accurate: of `accurate`, median.
        ratio: median of accurate / last, each measured in turns.
    """

    runtime: str
    last: float
    fast: float
    accurate: float
    ratio: float


def measure(
    pairs: Sequence[tuple[LabelledFeatures, LabelledFeatures]],
    widths: Sequence[int],
    shots: Sequence[int | None],
    seeds: int,
    on_step: Callable[[str], None],
) -> Iterator[Trial]:
    """Measure accuracies; both bundles learn the same pictures.

    Args:
        pairs: each set as features of `fast` and of `accurate`.
        widths: of their parts.
        shots: training pictures a class; None for all.
        seeds: draws of pictures; all pictures are drawn once.
        on_step: called with one line before each draw.

    Yields:
        One trial for each set, number of pictures and draw.
    """
    for small, large in pairs:
        for shot in shots:
            for seed in range(seeds if shot else 1):
                on_step(f"{small.name}, {shot or 'all'} pictures, draw {seed}")
                a, b = (protocol(data, len(data.classes), shot, seed) for data in (small, large))
                if not np.array_equal(a.truth, b.truth):
                    raise AssertionError(f"{small.name}: a picture was read at one size only")
                last, _ = accuracy_and_weight(a.groups, a.test, a.truth, widths[:1])
                fast, _ = accuracy_and_weight(a.groups, a.test, a.truth, widths)
                accurate, _ = accuracy_and_weight(b.groups, b.test, b.truth, widths)
                yield Trial(small.name, shot, seed, last, fast, accurate)


def time_backbones(runtime: str, turns: int = 60) -> Time:
    """Measure the backbones in turns.

    Args:
        runtime: "onnxruntime" or "openvino".
        turns: measurements of each.

    Returns:
        The times.
    """
    fast, accurate = Bundle.load("fast"), Bundle.load("accurate")
    bundles = (fast.as_superseded(fast.supersedes[0]), fast, accurate)
    runs = [(open_backend(bundle, runtime, "CPU", 1), _pixels(bundle)) for bundle in bundles]
    for backend, pixels in runs:
        backend.features(pixels)
    found = np.array([[_milliseconds(*run) for run in runs] for _ in range(turns)])
    last, small, large = np.median(found, axis=0)
    return Time(runtime, last, small, large, float(np.median(found[:, 2] / found[:, 0])))


def _pixels(bundle: Bundle) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return bundle.preprocessing(Image.fromarray(bundle.golden[0].picture.pixels()))


def _milliseconds(backend: Backend, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> float:
    start = time.process_time()
    backend.features(pixels)
    return 1e3 * (time.process_time() - start)


def markdown(trials: Sequence[Trial], times: Sequence[Time]) -> str:
    """Write two tables: one row for each set and number of pictures, and one for each runtime."""
    keys = list(dict.fromkeys((trial.data, trial.shots) for trial in trials))
    rows, means = [], []
    for data, shots in keys:
        some = [trial for trial in trials if (trial.data, trial.shots) == (data, shots)]
        found = 100 * np.array([(trial.last, trial.fast, trial.accurate) for trial in some])
        gains = found[:, 2] - found[:, 0]
        spread = f" ± {gains.std() / np.sqrt(len(some)):.1f}" if len(some) > 1 else ""
        mean = found.mean(axis=0)
        means.append(mean)
        cells = [data, str(shots or "all"), *(f"{value:.1f}" for value in mean)]
        rows.append([*cells, f"{mean[1] - mean[0]:+.1f}", f"{gains.mean():+.1f}{spread}"])
    last, fast, accurate = np.mean(means, axis=0)
    total = [f"{value:.1f}" for value in (last, fast, accurate)]
    rows.append(["mean", "", *total, f"{fast - last:+.1f}", f"{accurate - last:+.1f}"])
    titles = [
        "set",
        "pictures a class",
        "fast, last feature",
        "fast",
        "accurate",
        "fast gains",
        "accurate gains",
    ]
    milliseconds = [
        [
            time.runtime,
            *(f"{value:.1f}" for value in (time.last, time.fast, time.accurate)),
            f"{time.ratio:.2f}",
        ]
        for time in times
    ]
    head = ["ms a picture, one thread", "fast, last feature", "fast", "accurate", "accurate / last feature"]
    return as_table(titles, rows) + "\n" + as_table(head, milliseconds)
