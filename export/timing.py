"""Time backbones that are compared."""

import statistics
import time
from collections.abc import Mapping

from edge_tosca.export.candidate import Pixels, Runner

_REPEATS = 30


def processor_milliseconds(runners: Mapping[str, Runner], pixels: Pixels) -> dict[str, float]:
    """Measure all in turns, so that whatever else the machine does meets all alike.

    On one thread the processor's time is the picture's time, and other programs do not lengthen it by taking
    turns with it.

    Args:
        runners: name -> a backbone on one thread.
        pixels: a prepared picture, float32 [1, 3, size, size].

    Returns:
        Name -> milliseconds of the processor, the median of 30.
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
