"""Why more known pictures are called unknown than was asked for: by which pictures the threshold is placed.

The learner is to reject a share of pictures like its held-out training pictures. Here the same learner places
its threshold by pictures that were held out in other ways; counted are the known test pictures that it then
rejects.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from tests.benchmarks.ood import REFUSED
from tests.benchmarks.setup import solve

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures, Protocol, protocol
from edge_tosca.bench.table import as_table, mean_and_spread
from edge_tosca.classifier.lda.blocked_folds import Block
from edge_tosca.classifier.router_fit import SAMPLE
from edge_tosca.features.normalization import normalize

_Cut = Callable[[int, np.random.Generator], list[Array]]


@dataclass(frozen=True)
class Share:
    """What one way of holding out leads to.

    Attributes:
        data: name of the set.
        shots: training pictures a class; None for all.
        seed: of the order and the pictures.
        held_out: which pictures were held out together, a key of CUTS.
        refused: share of known test pictures that is called unknown.
        right: share of held-out training pictures that is classified correctly.
    """

    data: str
    shots: int | None
    seed: int
    held_out: str
    refused: float
    right: float


def _neighbours(parts: int, size: int, rng: np.random.Generator) -> list[Array]:
    return np.array_split(np.arange(size), min(parts, size))


def _at_random(parts: int, size: int, rng: np.random.Generator) -> list[Array]:
    return [np.sort(rows) for rows in np.array_split(rng.permutation(size), min(parts, size))]


CUTS: dict[str, _Cut] = {
    "one picture": lambda size, rng: _neighbours(size, size, rng),
    "a tenth of neighbours": partial(_neighbours, 10),
    "a random third of a class": partial(_at_random, 3),
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
    """Place the threshold by pictures that were held out in one way after another.

    Args:
        sets: the data.
        shots: training pictures a class; None for all.
        seeds: draws of pictures.
        on_step: called with what is done next.

    Returns:
        A share for each way, set, number of pictures and seed.
    """
    found = []
    for data in sets:
        for shot in shots:
            for seed in range(seeds):
                on_step(f"{data.name}, other pictures held out: {shot or 'all'} a class, seed {seed}")
                drawn = protocol(data, len(data.classes), shot, seed)
                for name, cut in CUTS.items():
                    blocks = _blocks([len(rows) for rows in drawn.groups], cut, seed)
                    found.append(Share(data.name, shot, seed, name, *_shares(drawn, blocks)))
    return found


def _shares(drawn: Protocol, blocks: Sequence[Block]) -> tuple[float, float]:
    groups = [normalize(rows) for rows in drawn.groups]
    router, held_out = solve(groups, np.arange(len(groups)), blocks=blocks)
    z = normalize(drawn.test)
    scores = router.ood.score(z, router.scores(z)[1])
    right = held_out.posterior.argmax(axis=1) == held_out.groups
    return float((scores < router.ood.threshold).mean()), float(right.mean())


def _blocks(counts: Sequence[int], cut: _Cut, seed: int) -> list[Block]:
    """Cut every group, and keep blocks of about SAMPLE pictures, chosen at random."""
    rng = np.random.default_rng(seed)
    every = [Block(group, rows) for group, size in enumerate(counts) if size > 1 for rows in cut(size, rng)]
    kept = sorted(rng.permutation(len(every))[: -(-len(every) * SAMPLE // max(sum(counts), SAMPLE))])
    return [every[place] for place in kept]


def markdown(shares: Sequence[Share]) -> str:
    """Lay out the shares, a row for each way of holding out and a column for each set and number of pictures.

    Args:
        shares: of `measure`.

    Returns:
        Markdown: percent of known test pictures rejected, in brackets of held-out ones classified correctly.
    """
    cells = list(dict.fromkeys((share.data, share.shots) for share in shares))
    rows = []
    for name in CUTS:
        row = [name]
        for cell in cells:
            some = [share for share in shares if (share.data, share.shots, share.held_out) == (*cell, name)]
            row.append(
                f"{mean_and_spread(100 * share.refused for share in some)} "
                f"({mean_and_spread(100 * share.right for share in some)})"
            )
        rows.append(row)
    header = ["held out together", *(f"{name}, {shots or 'all'}" for name, shots in cells)]
    return (
        f"Known test pictures called unknown, in percent, where the threshold asks for {REFUSED:.0%} of "
        "held-out training pictures; in brackets the accuracy on the held-out ones.\n\n"
        + as_table(header, rows)
        + "\n"
    )
