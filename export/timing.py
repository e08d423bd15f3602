"""Measure the processor time of backbones for a comparison."""

import statistics
import time
from collections.abc import Mapping

from edge_tosca.export.candidate import Pixels, Runner

_REPEATS = 30


def processor_milliseconds(runners: Mapping[str, Runner], pixels: Pixels) -> dict[str, float]:
    """Measure all backbones in turns, so that other load on the machine affects all alike.

    On one thread the processor time equals the time of the picture, and excludes the time slices of other
    programs.

    Args:
        runners: name -> a backbone on one thread.
        pixels: a preprocessed picture, float32 [1, 3, size, size].

    Returns:
        Name -> milliseconds of processor time, the median of 30.
    """
    for run in runners.values():
        run(pixels)
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(_REPEATS):
        for name, run in runners.items():
            start = time.process_time()
            run(pixels)
            taken[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(milliseconds) for name, milliseconds in taken.items()}
