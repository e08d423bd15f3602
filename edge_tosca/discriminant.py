"""Shrunken linear discriminant analysis, with exact scores of pictures that were left out.

score_g(z) = z' P m_g - m_g' P m_g / 2, with P the inverse of the shrunken within-group covariance
S = (1 - rho) W / n + rho (trace(W) / (n d)) I and m_g the mean of group g. Groups are equally likely
beforehand: how often a thing was photographed says nothing about how often it will be met.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.folds import Block
from edge_tosca.luca import Array
from edge_tosca.posterior import best_temperature
from edge_tosca.spectrum import Projected, ShrunkenInverse, Spectrum

# Keeps the matrix invertible where a caller asks for no shrinkage.
_FLOOR = 1e-9

# With one picture a class nothing varies inside the classes. This variance keeps the answers cautious: of
# five grocery classes with one picture each, half the test pictures are named right.
_UNSEEN_VARIANCE = 0.1


SHRINKAGE_ODDS = (1.0, 3.0, 10.0)
"""Factors on the odds of the oracle-approximating shrinkage that are tried."""


@dataclass(frozen=True)
class Discriminant:
    """A linear score for each group.

    Attributes:
        weights: float32 [g, d].
        bias: float32 [g].
    """

    weights: Array
    bias: Array

    def scores(self, z: Array) -> Array:
        """Score conditioned features.

        Args:
            z: float32 [n, d].

        Returns:
            float32 [n, g].
        """
        scores: Array = z @ self.weights.T + self.bias
        return scores


def oas_shrinkage(within: Spectrum, n: int) -> float:
    """Give the oracle-approximating shrinkage of the within-group covariance W / n.

    Source: Chen, Wiesel, Eldar, Hero, "Shrinkage Algorithms for MMSE Covariance Estimation", 2010, eq. 23.

    Args:
        within: spectrum of W.
        n: pictures it was estimated from.

    Returns:
        rho in 0 .. 1.
    """
    d = len(within.vectors)
    trace, square = within.trace / n, within.square / n**2
    denominator = (n + 1 - 2 / d) * (square - trace * trace / d)
    return 1.0 if denominator <= 0 else min(1.0, ((1 - 2 / d) * square + trace * trace) / denominator)


def precision(within: Spectrum, n: int, shrinkage: float) -> ShrunkenInverse:
    """Invert the shrunken within-group covariance.

    Args:
        within: spectrum of W.
        n: pictures it was estimated from.
        shrinkage: rho in 0 .. 1.

    Returns:
        P.
    """
    target = within.trace / (n * len(within.vectors))
    if target <= _FLOOR:
        return within.inverse(0.0, _UNSEEN_VARIANCE)
    return within.inverse((1 - shrinkage) / n, max(shrinkage * target, _FLOOR))


def discriminant(inverse: ShrunkenInverse, means: Projected) -> Discriminant:
    """Solve the scores of every group.

    Args:
        inverse: P.
        means: of the groups.

    Returns:
        The discriminant, in float32.
    """
    weights = inverse.apply(means)
    bias = -0.5 * np.sum(weights * means.x, axis=1)
    return Discriminant(weights.astype(np.float32), bias.astype(np.float32))


@dataclass(frozen=True)
class LeaveBlockOut:
    """Cached pictures to be scored by a discriminant that had seen neither them nor their block.

    Taking a block of m pictures out of a group of n (mean c, the block's residuals R with mean r) leaves
    the group's mean at c - m r / (n - m), and takes U'U from the within scatter, where U is R with the row
    m r / sqrt(n - m) below it. The inverse follows by Woodbury's identity. The shrinkage target stays.

    The background is the mean of all pictures, scored like a group: what a picture gets from any class
    beyond it is evidence that it belongs to one.

    Attributes:
        z: the pictures' features, block after block.
        blocks: of the pictures.
        means: of the g groups, the background's below them.
        counts: pictures of each group, int [g].
    """

    z: Projected
    blocks: tuple[Block, ...]
    means: Projected
    counts: Array

    @classmethod
    def of(
        cls, within: Spectrum, z: Array, blocks: tuple[Block, ...], sums: Array, counts: Array
    ) -> "LeaveBlockOut":
        """Project everything once, for any number of shrinkages.

        Args:
            within: spectrum of W.
            z: the blocks' features, one block after another, [n, d].
            blocks: what to leave out together.
            sums: of the groups, [g, d].
            counts: int [g].

        Returns:
            The pictures, ready to be scored.
        """
        means = np.vstack([sums / counts[:, None], sums.sum(axis=0) / counts.sum()])
        return cls(within.project(z), blocks, within.project(means), counts)

    def scores(self, inverse: ShrunkenInverse, shrinkage: float) -> tuple[Array, Array]:
        """Score the pictures.

        Args:
            inverse: P, the pictures included.
            shrinkage: the rho it was made with.

        Returns:
            Scores of the groups, float64 [n, g], and of the background, [n].
        """
        scores = inverse.between(self.z, self.means) - 0.5 * inverse.along(self.means, self.means)
        start = 0
        for block in self.blocks:
            rows = slice(start, start + len(block.rows))
            self._leave_out(scores[rows], block, self.z[rows], inverse, shrinkage)
            start = rows.stop
        return scores[:, :-1], scores[:, -1]

    def _leave_out(
        self, scores: Array, block: Block, z: Projected, inverse: ShrunkenInverse, shrinkage: float
    ) -> None:
        """Correct the scores of one block, in place."""
        n, total, m = int(self.counts[block.group]), int(self.counts.sum()), len(block.rows)
        weight = (1 - shrinkage) / total
        own, background = self.means[block.group : block.group + 1], self.means[-1:]
        residuals = z - own
        middle = z.mean() - own
        removed = residuals.above(m / np.sqrt(n - m) * middle)
        along_means, along_z = inverse.between(removed, self.means), inverse.between(z, removed)
        inner = np.zeros((m + 1, m + 1))
        if weight > 0:
            inner = np.linalg.inv(np.eye(m + 1) / weight - inverse.between(removed, removed))
        scores += along_z @ inner @ along_means - 0.5 * np.sum(along_means * (inner @ along_means), axis=0)
        for column, mean, shift in (
            (block.group, own, -m / (n - m) * middle),
            (-1, background, -m / (total - m) * (z.mean() - background)),
        ):
            along_shift = inner @ inverse.between(removed, shift)
            by_z = inverse.between(z, shift) + along_z @ along_shift
            by_mean = inverse.between(mean, shift) + inverse.between(mean, removed) @ along_shift
            by_shift = inverse.between(shift, shift) + inverse.between(shift, removed) @ along_shift
            scores[:, column] += (by_z - by_mean - 0.5 * by_shift)[:, 0]


@dataclass(frozen=True)
class Choice:
    """The most truthful shrinkage.

    Attributes:
        shrinkage: rho.
        inverse: P made with it.
        temperature: factor on the scores that makes their softmax most truthful.
        scores: of the left-out pictures, [n, g].
        background: their background scores, [n].
    """

    shrinkage: float
    inverse: ShrunkenInverse
    temperature: float
    scores: Array
    background: Array


def choose_shrinkage(within: Spectrum, left_out: LeaveBlockOut, labels: Sequence[int]) -> Choice:
    """Choose the shrinkage under which left-out pictures' true labels are most probable.

    Args:
        within: spectrum of W.
        left_out: pictures to judge by.
        labels: label of each group; a class in several surroundings has several groups.

    Returns:
        The best of SHRINKAGE_ODDS times the odds of the oracle-approximating shrinkage; the first where
        there is no picture to judge by.
    """
    n = int(left_out.counts.sum())
    groups = np.repeat([b.group for b in left_out.blocks], [len(b.rows) for b in left_out.blocks]).astype(int)
    of = np.asarray(labels)
    truth = of[groups][:, None] == of[None, :]
    base = oas_shrinkage(within, n)
    best: tuple[float, Choice] | None = None
    for odds in SHRINKAGE_ODDS:
        shrinkage = odds * base / (1 - base + odds * base)
        inverse = precision(within, n, shrinkage)
        scores, background = left_out.scores(inverse, shrinkage)
        temperature, loss = best_temperature(scores, truth)
        if best is None or loss < best[0]:
            best = loss, Choice(shrinkage, inverse, temperature, scores, background)
    if best is None:
        raise ValueError("there is no shrinkage to choose from")
    return best[1]
