"""The kernel vote of a task's own cached pictures: it sees classes of several modes, which a mean does not.

    v_c = mean over the voting pictures r of class c of exp(-g D(z, r) / s)
    opinion_c = log(v_c / sum v + 0.01)

D is the squared distance of features as the router reads them, s the median of D over pairs of the task's
pictures, g the sharpness. There is nothing to train: forgetting a picture deletes its row, and a block of
pictures is left out by a mask. The kernel is that of Nadaraya, "On Estimating Regression", 1964, with classes
of equal weight; the floor of 0.01 keeps one vote from ruling a class out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.blocked_folds import folds_of
from edge_tosca.features.normalization import GRID

SHARPNESS = (15.0, 30.0, 60.0)
"""Candidates for g: from an average over many neighbours to the nearest few."""

PICTURES = 100
"""Mean number of pictures a class of a task from which on its pictures vote."""

MOST_OF_A_CLASS = 256
MOST_ROWS = 2048
"""Pictures of a class and of a task that vote, an even sample: what a vote reads is bounded (16 MB)."""

FLOOR = 0.01
"""Added to every share of the votes."""

_PAIRED = 128
"""Rows whose distances give the scale."""

_LEAST_SCALE = 1 / GRID**2
"""Where most pictures are alike."""

_CHUNK = 256
"""Pictures whose distances are in memory at once."""


@dataclass(frozen=True)
class VoteWeight:
    """What a router keeps of the vote where it won against the modules.

    Attributes:
        weight: of the opinion.
        sharpness: g.
    """

    weight: float
    sharpness: float

    @classmethod
    def of_array(cls, array: Array) -> "VoteWeight":
        """Read weight and sharpness from a store's array; ValueError unless they fit."""
        weight, sharpness = (float(value) for value in array)
        if not (weight > 0 and sharpness in SHARPNESS):
            raise ValueError("the weight of the vote does not fit")
        return cls(weight, sharpness)


@dataclass(frozen=True)
class KernelVote:
    """The voting pictures of one task.

    Attributes:
        rows: features as the router reads them, float32 [m, d], by group.
        squares: their squared lengths, float32 [m].
        starts: place of each group's first row, int [k].
        groups: the group of each row inside the task, int [m].
        folds: the block of each row inside its group, int [m], see `folds_of`.
        scale: s, in squared distance.
    """

    rows: npt.NDArray[np.float32]
    squares: npt.NDArray[np.float32]
    starts: Array
    groups: Array
    folds: Array
    scale: float

    @classmethod
    def of(cls, cached: Callable[[int], Array], counts: Sequence[int]) -> "KernelVote":
        """Gather an even sample of a task's pictures.

        Args:
            cached: features of a group of the task by its place in it, float32 [n, d].
            counts: pictures of each group.

        Returns:
            The vote.
        """
        most = max(1, min(MOST_OF_A_CLASS, MOST_ROWS // len(counts)))
        places = [_even(count, most) for count in counts]
        sizes = [len(kept) for kept in places]
        ends = np.cumsum(sizes)
        rows = np.concatenate([cached(place)[kept] for place, kept in enumerate(places)])
        squares = np.einsum("md,md->m", rows, rows)
        paired = _even(len(rows), _PAIRED)
        distances = squares[paired, None] + squares[paired] - 2 * rows[paired] @ rows[paired].T
        between = distances[~np.eye(len(paired), dtype=bool)]
        return cls(
            rows,
            squares,
            ends - sizes,
            np.repeat(np.arange(len(sizes)), sizes),
            np.concatenate([folds_of(count)[kept] for count, kept in zip(counts, places, strict=True)]),
            max(float(np.median(between)), _LEAST_SCALE) if len(paired) > 1 else 1.0,
        )

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(a.nbytes for a in (self.rows, self.squares, self.starts, self.groups, self.folds))

    def opinion(self, z: Array, sharpness: float) -> Array:
        """Vote on pictures.

        Args:
            z: features as the router reads them, float32 [n, d].
            sharpness: g.

        Returns:
            Log-probabilities of the task's groups up to a constant a picture, [n, k].
        """
        return np.concatenate([self._vote(nearness, sharpness) for nearness, _ in self._nearness(z)])

    def held_out_opinions(self, z: Array, groups: Array, folds: Array) -> Array:
        """Vote on pictures of the task, each without the pictures of its own block.

        Args:
            z: features, float32 [n, d].
            groups: the group of each inside the task, int [n].
            folds: the block of each inside its group, int [n].

        Returns:
            One opinion for each of SHARPNESS, [3, n, k].
        """
        votes = []
        for nearness, some in self._nearness(z):
            mine = (self.groups == groups[some, None]) & (self.folds == folds[some, None])
            nearness[mine] = -np.inf
            votes.append(np.stack([self._vote(nearness, sharpness) for sharpness in SHARPNESS]))
        return np.concatenate(votes, axis=1)

    def _nearness(self, z: Array) -> Iterator[tuple[Array, slice]]:
        """Yield -D / s of some pictures at a time, float32 [n, m], up to a constant a picture."""
        for start in range(0, len(z), _CHUNK):
            some = slice(start, start + _CHUNK)
            nearness = z[some] @ self.rows.T
            nearness *= 2
            nearness -= self.squares
            nearness -= nearness.max(axis=1, keepdims=True)
            nearness /= np.float32(self.scale)
            yield nearness, some

    def _vote(self, nearness: Array, sharpness: float) -> Array:
        # The greatest is 1, so that the sum is never 0; shares do not depend on a common factor.
        kernel = np.exp(np.float32(sharpness) * (nearness - nearness.max(axis=1, keepdims=True)))
        there = np.add.reduceat(np.isfinite(nearness), self.starts, axis=1, dtype=np.int32)
        means = np.add.reduceat(kernel, self.starts, axis=1) / np.maximum(there, 1)
        opinion: Array = np.log(means / means.sum(axis=1, keepdims=True) + FLOOR)
        return opinion


def may_vote(counts: Sequence[int] | Array) -> bool:
    """Return whether the pictures of a task vote.

    Args:
        counts: pictures of each of its groups.
    """
    return len(counts) > 1 and sum(counts) >= PICTURES * len(counts)


def _even(count: int, most: int) -> Array:
    """Pick places evenly, int [min(count, most)]."""
    return np.arange(min(count, most)) * count // max(min(count, most), 1)
