"""Blocks of pictures that look alike, left out together to place the threshold for unknowns.

Blocks of neighbours (`edge_tosca.folds`) show what a picture of the taught places is like. A box meets its
classes in other places too: with the groceries of other shops, every score for unknowns refused three times
as many known pictures as it was set to. A class without one end of its own variety is the nearest to
another place that cached features can show.
"""

from collections.abc import Callable

import numpy as np

from edge_tosca.folds import FOLDS, Block, choose_blocks
from edge_tosca.luca import Array

BLOCKS = 240
"""About how many blocks to leave out: alike pictures are familiar alike, so it is their number, and not that
of the pictures, by which a quantile becomes known."""

FEWEST, MOST = 1000, 3000
"""Pictures in them, about."""

_STEPS = 16


def blocks_by_look(counts: Array, cached: Callable[[int], Array]) -> tuple[Block, ...]:
    """Pick blocks of alike pictures evenly from all groups.

    Args:
        counts: pictures of each group, int [g].
        cached: conditioned features of a group by its index, float32 [n, d].

    Returns:
        Blocks, ordered by group. Groups of one picture have none.
    """
    several = counts[counts > 1]
    blocks = int(np.minimum(several, FOLDS).sum())
    most = BLOCKS * int(several.sum()) // max(1, blocks)
    picked = choose_blocks(counts, min(max(most, FEWEST), MOST))
    return tuple(by_look(block, cached(block.group)) for block in picked)


def by_look(block: Block, z: Array) -> Block:
    """Take pictures that look alike instead of neighbours, as many.

    Pictures are ordered along the direction in which those of the group differ most: light, distance,
    surroundings. The block's places in the group become places in that order.

    Args:
        block: neighbours.
        z: conditioned features of the whole group, [n, d].

    Returns:
        The block of alike pictures; over all blocks of a group, each picture is still in one.
    """
    residuals = z - z.mean(axis=0)
    # A power iteration: of the first principal component only the order of the pictures is needed. The
    # farthest picture is a start that depends on nothing else.
    along = residuals @ residuals[np.einsum("nd,nd->n", residuals, residuals).argmax()]
    for _ in range(_STEPS):
        along = residuals @ (along @ residuals)
        along /= max(float(np.abs(along).max()), float(np.finfo(np.float32).tiny))
    return Block(block.group, np.sort(np.argsort(along, kind="stable")[block.rows]))
