"""Blocks of pictures that are held out together: blocked cross-validation.

Neighbouring pictures of one class often show one object, taken within seconds. Held out one by one they are
recognised by their neighbours, and every held-out score is too high (docs/unknowns.md has a table of it). So
each group is cut into FOLDS blocks of neighbours, and a block is held out whole (Roberts and others,
"Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic structure", 2017).
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array

FOLDS = 3
"""Blocks of a group: with more, a block's neighbours stay in training; with fewer, too little stays."""


@dataclass(frozen=True)
class Block:
    """Neighbouring pictures of one group.

    Attributes:
        group: its index.
        rows: places in the group, increasing, int [m].
    """

    group: int
    rows: Array

    def remaining_counts(self, counts: Array) -> Array:
        """Count the pictures of each group without this block.

        Args:
            counts: pictures of each group, int [g].

        Returns:
            int [g].
        """
        left = counts.copy()
        left[self.group] -= len(self.rows)
        return left


def folds_of(size: int) -> Array:
    """Cut a group into blocks of neighbours.

    Args:
        size: number of its pictures.

    Returns:
        The block of each picture, int [size], increasing; -1 for the one picture of a group of one.
    """
    if size < 2:
        return np.full(size, -1)
    return np.arange(size) * min(FOLDS, size) // size


def choose_blocks(counts: Array, most: int, always: slice = slice(0, 0)) -> tuple[Block, ...]:
    """Pick blocks evenly from all groups, by their sizes alone.

    Args:
        counts: pictures of each group, int [g].
        most: about how many pictures to pick.
        always: groups whose blocks are all picked besides, such as those of the newest task.

    Returns:
        Blocks, ordered by group. Groups of one picture have none.
    """
    places = [
        (group, fold)
        for group, size in enumerate(counts.tolist())
        if size > 1
        for fold in range(min(FOLDS, size))
    ]
    every = max(1, -(-int(counts[counts > 1].sum()) // most))
    # A step that is a multiple of the folds would take the same fold of every group.
    step = every + 1 if every % FOLDS == 0 else every
    return tuple(
        Block(group, np.flatnonzero(folds_of(int(counts[group])) == fold))
        for place, (group, fold) in enumerate(places)
        if place % step == 0 or always.start <= group < always.stop
    )
