"""Why more known pictures are called unknown than was asked for: by which pictures the threshold is placed.

The learner is to refuse a share of pictures like its left-out training pictures. Here the same learner places
its threshold by pictures that were left out in other ways, and it is counted how many known test pictures it
then refuses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edge_tosca.bench.data import LabelledFeatures, Protocol, protocol
from edge_tosca.bench.fused import solved
from edge_tosca.bench.table import as_table, mean_and_spread
from edge_tosca.bench.unknowns import REFUSED
from edge_tosca.classifier.lda.blocked_folds import Block
from edge_tosca.classifier.router_fit import SAMPLE
from edge_tosca.features.normalization import normalize

_Cut = Callable[[int, np.random.Generator], list[np.ndarray]]


@dataclass(frozen=True)
class Share:
    """What one way of leaving out leads to.

    Attributes:
        data: name of the set.
        shots: training pictures a class; None for all.
        seed: of the order and the pictures.
        left_out: which pictures were left out together, a key of CUTS.
        refused: share of known test pictures that is called unknown.
        right: share of left-out training pictures that is named right.
    """

    data: str
    shots: int | None
    seed: int
    left_out: str
    refused: float
    right: float


def _neighbours(parts: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    return np.array_split(np.arange(size), min(parts, size))


def _strangers(parts: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    return [np.sort(rows) for rows in np.array_split(rng.permutation(size), min(parts, size))]


CUTS: dict[str, _Cut] = {
    "one picture": lambda size, rng: _neighbours(size, size, rng),
    "a tenth of neighbours": partial(_neighbours, 10),
    "a random third of a class": partial(_strangers, 3),
    "a third of neighbours (as built)": partial(_neighbours, 3),
    "a half of neighbours": partial(_neighbours, 2),
}
"""How the pictures of a class are cut into blocks, by their number."""


def measure(
    sets: Sequence[LabelledFeatures],
    shots: Sequence[int | None],
    seeds: int,
    on_step: Callable[[str], None],
) -> list[Share]:
    """Place the threshold by pictures that were left out in one way after another.

    Args:
        sets: the data.
        shots: training pictures a class; None for all.
        seeds: draws of pictures.
        on_step: told what is done next.

    Returns:
        A share for each way, set, number of pictures and seed.
    """
    found = []
    for data in sets:
        for shot in shots:
            for seed in range(seeds):
                on_step(f"{data.name}, other pictures left out: {shot or 'all'} a class, seed {seed}")
                drawn = protocol(data, len(data.classes), shot, seed)
                for name, cut in CUTS.items():
                    blocks = _blocks([len(rows) for rows in drawn.groups], cut, seed)
                    found.append(Share(data.name, shot, seed, name, *_asked(drawn, blocks)))
    return found


def _asked(drawn: Protocol, blocks: Sequence[Block]) -> tuple[float, float]:
    groups = [normalize(rows) for rows in drawn.groups]
    router, left_out = solved(groups, np.arange(len(groups)), blocks=blocks)
    z = normalize(drawn.test)
    familiarity = router.familiarity.score(router.signs(z, router.ask(z)[1]))
    right = left_out.posterior.argmax(axis=1) == left_out.groups
    return float((familiarity < router.familiarity.threshold).mean()), float(right.mean())


def _blocks(counts: Sequence[int], cut: _Cut, seed: int) -> list[Block]:
    """Cut every group, and keep blocks of about SAMPLE pictures, chosen at random."""
    rng = np.random.default_rng(seed)
    every = [Block(group, rows) for group, size in enumerate(counts) if size > 1 for rows in cut(size, rng)]
    kept = sorted(rng.permutation(len(every))[: -(-len(every) * SAMPLE // max(sum(counts), SAMPLE))])
    return [every[place] for place in kept]


def markdown(shares: Sequence[Share]) -> str:
    """Lay out the shares, a row for each way of leaving out and a column for each set and number of pictures.

    Args:
        shares: of `measure`.

    Returns:
        Markdown: percent of known test pictures refused, in brackets of left-out ones named right.
    """
    cells = list(dict.fromkeys((share.data, share.shots) for share in shares))
    rows = []
    for name in CUTS:
        row = [name]
        for cell in cells:
            some = [share for share in shares if (share.data, share.shots, share.left_out) == (*cell, name)]
            row.append(
                f"{mean_and_spread(100 * share.refused for share in some)} "
                f"({mean_and_spread(100 * share.right for share in some)})"
            )
        rows.append(row)
    header = ["left out together", *(f"{name}, {shots or 'all'}" for name, shots in cells)]
    return (
        f"Known test pictures refused in percent, where the threshold asks for {REFUSED:.0%} of left-out "
        "training pictures; in brackets how many of the left-out ones are named right.\n\n"
        + as_table(header, rows)
        + "\n"
    )
