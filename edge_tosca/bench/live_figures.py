"""Figures of a live run, from samples of the service."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.errors import EdgeToscaError

_SETTLED = 0.1
"""Share of a run after which memory should be flat; before that, caches and pools fill."""


@dataclass(frozen=True)
class Sample:
    """The service at one moment.

    Attributes:
        at: seconds since the first answer.
        teaching: whether the other client teaches.
        rss: megabytes of resident memory.
        cpu: seconds of processor time since the service's start.
        answered: frames answered.
        frames: that the camera gave.
        skipped: frames that came while another was processed.
        p50: median latency of the last answers, ms from a frame's arrival.
        p99: that 99 % of them stayed within.
        load: of the whole machine, the kernel's average over a minute.
    """

    at: float
    teaching: bool
    rss: float
    cpu: float
    answered: int
    frames: int
    skipped: int
    p50: float
    p99: float
    load: float


@dataclass(frozen=True)
class Phase:
    """Figures of all phases of one kind.

    Attributes:
        seconds: of them.
        answers: a second.
        frames: a second, that the camera gave.
        skipped: share of the frames that was never processed.
        p50: median over the phases of the median latency at their ends, ms.
        p99: likewise, of the 99th percentile.
        worst_p99: the largest of them.
        cpu: cores that were busy with the service.
    """

    seconds: float
    answers: float
    frames: float
    skipped: float
    p50: float
    p99: float
    worst_p99: float
    cpu: float


def slope(samples: Sequence[Sample]) -> float:
    """Fit a line to memory after the first tenth of a run.

    Args:
        samples: of the run.

    Returns:
        Megabytes an hour.
    """
    settled = [sample for sample in samples if sample.at >= _SETTLED * samples[-1].at]
    per_second, _ = np.polyfit([one.at for one in settled], [one.rss for one in settled], 1)
    return float(3600 * per_second)


def phase(samples: Sequence[Sample], teaching: bool) -> Phase:
    """Add up neighbouring samples of one kind; percentiles are those at the ends of its phases.

    Args:
        samples: of a run.
        teaching: the kind.

    Returns:
        The figures.

    Raises:
        EdgeToscaError: there are no two neighbouring samples of the kind.
    """
    pairs = [
        (one, two) for one, two in itertools.pairwise(samples) if one.teaching == two.teaching == teaching
    ]
    ends = [
        one
        for one, two in zip(samples, [*samples[1:], None], strict=True)
        if one.teaching == teaching and (two is None or two.teaching != teaching)
    ]
    if not pairs:
        raise EdgeToscaError("the run was too short for both of its parts; give --seconds 60 or more")
    seconds = sum(two.at - one.at for one, two in pairs)
    frames = sum(two.frames - one.frames for one, two in pairs)
    return Phase(
        seconds=seconds,
        answers=sum(two.answered - one.answered for one, two in pairs) / seconds,
        frames=frames / seconds,
        skipped=sum(two.skipped - one.skipped for one, two in pairs) / max(1, frames),
        p50=float(np.median([end.p50 for end in ends])),
        p99=float(np.median([end.p99 for end in ends])),
        worst_p99=max(end.p99 for end in ends),
        cpu=sum(two.cpu - one.cpu for one, two in pairs) / seconds,
    )
