"""Shrunken linear discriminant analysis, with exact scores of pictures that were left out.

score_g(z) = z' P m_g - m_g' P m_g / 2, with P the inverse of the shrunken within-group covariance
S = (1 - rho) W / n + rho (trace(W) / (n d)) I and m_g the mean of group g. Groups are equally likely
beforehand: how often a thing was photographed says nothing about how often it will be met.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from edge_tosca.folds import Block
from edge_tosca.kinship import SIBLINGS, from_background, kinship, nearest_groups
from edge_tosca.luca import Array
from edge_tosca.posterior import best_temperature, label_losses, modest_temperature
from edge_tosca.spectrum import Projected
from edge_tosca.whitening import Inverse, Scatter
from edge_tosca.without_block import WithoutBlock, without_block

# Keeps the matrix invertible where a caller asks for no shrinkage.
_FLOOR = 1e-9

# With one picture a class nothing varies inside the classes. This variance keeps the answers cautious: of
# five grocery classes with one picture each, half the test pictures are named right.
_UNSEEN_VARIANCE = 0.1


SHRINKAGE_ODDS = (10.0, 3.0, 1.0)
"""Factors on the odds of the oracle-approximating shrinkage, in the order in which they are tried. Blocks of
neighbours ask for more shrinkage than it, which takes pictures for independent."""

SURELY = 2.0
"""Standard errors of the paired difference that make one shrinkage surely worse than another."""


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


def oas_shrinkage(within: Scatter, n: int) -> float:
    """Give the oracle-approximating shrinkage of the within-group covariance W / n.

    Source: Chen, Wiesel, Eldar, Hero, "Shrinkage Algorithms for MMSE Covariance Estimation", 2010, eq. 23.

    Args:
        within: W.
        n: pictures it was estimated from.

    Returns:
        rho in 0 .. 1.
    """
    d = within.dim
    trace, square = within.trace / n, within.square / n**2
    denominator = (n + 1 - 2 / d) * (square - trace * trace / d)
    return 1.0 if denominator <= 0 else min(1.0, ((1 - 2 / d) * square + trace * trace) / denominator)


def precision(within: Scatter, n: int, shrinkage: float, dtype: npt.DTypeLike = np.float64) -> Inverse:
    """Invert the shrunken within-group covariance.

    Args:
        within: W.
        n: pictures it was estimated from.
        shrinkage: rho in 0 .. 1.
        dtype: of the vectors that it will meet.

    Returns:
        P.

    Raises:
        LinAlgError: pictures cannot scatter like that.
    """
    target = within.trace / (n * within.dim)
    if target < -_FLOOR:
        raise np.linalg.LinAlgError("the pictures of a group scatter by less than nothing")
    if target <= _FLOOR:
        return within.inverse(0.0, _UNSEEN_VARIANCE, dtype)
    return within.inverse((1 - shrinkage) / n, max(shrinkage * target, _FLOOR), dtype)


def discriminant(inverse: Inverse, means: Projected) -> Discriminant:
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

    `edge_tosca.without_block` has the algebra. The shrinkage target stays.

    The background is the mean of all pictures, scored like a group: what a picture gets from any class
    beyond it is evidence that it belongs to one.

    Attributes:
        z: the pictures' features, block after block, [n, d]; float32 where that tells enough.
        blocks: of the pictures.
        means: of the g groups, the background's below them, [g + 1, d], in the precision of z.
        counts: pictures of each group, int [g].
    """

    z: Array
    blocks: tuple[Block, ...]
    means: Array
    counts: Array

    @classmethod
    def of(
        cls,
        z: Array,
        blocks: tuple[Block, ...],
        sums: Array,
        counts: Array,
        dtype: npt.DTypeLike = np.float64,
    ) -> "LeaveBlockOut":
        """Prepare pictures and means.

        Args:
            z: the blocks' features, one block after another, [n, d].
            blocks: what to leave out together.
            sums: of the groups, [g, d].
            counts: int [g].
            dtype: of the scores; float32 takes half the time.

        Returns:
            The pictures, ready to be scored.
        """
        means = np.vstack([sums / counts[:, None], sums.sum(axis=0) / counts.sum()])
        return cls(z.astype(dtype, copy=False), blocks, means.astype(dtype, copy=False), counts)

    @cached_property
    def groups(self) -> Array:
        """True group of each picture, int [n]."""
        return np.repeat([b.group for b in self.blocks], [len(b.rows) for b in self.blocks]).astype(int)

    def some(self, most: int) -> "LeaveBlockOut":
        """Keep an even sample of the blocks.

        Args:
            most: about how many pictures to keep.

        Returns:
            Fewer pictures, or all where they are no more than that.
        """
        every = max(1, -(-len(self.z) // most))
        owners = np.repeat(np.arange(len(self.blocks)), [len(b.rows) for b in self.blocks])
        return replace(self, z=self.z[owners % every == 0], blocks=self.blocks[::every])

    def scores(self, inverse: Inverse, means: Projected, shrinkage: float) -> tuple[Array, Array]:
        """Score the pictures.

        Args:
            inverse: P, the pictures included.
            means: `means` under it.
            shrinkage: the rho it was made with.

        Returns:
            Scores of the groups, [n, g], and of the background, [n], in the precision of the pictures.
        """
        scores = [block.scores() for block in self.without(inverse, means, shrinkage)]
        every = np.concatenate([np.zeros((0, len(self.means)), self.z.dtype), *scores])
        return every[:, :-1], every[:, -1]

    def judge(self, inverse: Inverse, means: Projected, shrinkage: float) -> "Judged":
        """Score the pictures and compare them with their nearest groups.

        Args:
            inverse: P, the pictures included.
            means: `means` under it.
            shrinkage: the rho it was made with.

        Returns:
            What would have been said of them.
        """
        groups = len(self.counts)
        scores = [np.zeros((0, groups), self.z.dtype)]
        nearest = [np.zeros((0, min(SIBLINGS, groups)), int)]
        kin: list[tuple[float, float]] = []
        for block in self.without(inverse, means, shrinkage):
            every = block.scores()
            scores.append(every[:, :-1])
            nearest.append(nearest_groups(scores[-1]))
            union = np.unique(nearest[-1])
            columns = np.append(union, groups)
            between = from_background(block.means(columns, inverse.between(means[columns], means[columns])))
            for row, some in zip(every, nearest[-1], strict=True):
                places = np.searchsorted(union, some)
                kin.append(kinship(row[some] - row[-1], between[np.ix_(places, places)]))
        kinships = np.array(kin).reshape(-1, 2)
        return Judged(np.concatenate(scores), np.concatenate(nearest), kinships)

    def without(self, inverse: Inverse, means: Projected, shrinkage: float) -> Iterator[WithoutBlock]:
        """Take out one block after another.

        Args:
            inverse: P, the pictures included.
            means: `means` under it.
            shrinkage: the rho it was made with.

        Yields:
            What is left for each block.
        """
        groups = np.array([block.group for block in self.blocks], int)
        z = inverse.project(self.z, self.z.dtype)
        by_means = inverse.between(z, means)
        own_by_means = inverse.between(means[groups], means)
        middle_by_means = inverse.between(means[-1:], means)
        squares = inverse.along(means, means)
        total = int(self.counts.sum())
        start = 0
        for block, own in zip(self.blocks, own_by_means, strict=True):
            rows = slice(start, start + len(block.rows))
            yield without_block(
                block.group,
                (int(self.counts[block.group]), total),
                inverse.between(z[rows], z[rows]),
                np.vstack([by_means[rows], own, middle_by_means]),
                squares,
                (1 - shrinkage) / total,
            )
            start = rows.stop


@dataclass(frozen=True)
class Judged:
    """What the discriminant says of pictures whose blocks it had not seen.

    Attributes:
        scores: of the groups, [n, g].
        nearest: groups that each picture is compared with, int [n, k].
        kinship: what `edge_tosca.kinship.kinship` makes of it, float64 [n, 2].
    """

    scores: Array
    nearest: Array
    kinship: Array


@dataclass(frozen=True)
class Choice:
    """The most truthful shrinkage.

    Attributes:
        shrinkage: rho.
        inverse: P made with it.
        means: of the groups, the background's below them, under P.
        temperature: factor on the scores that makes their softmax most truthful, within what the pictures
            can vouch for.
        judged: the left-out pictures.
    """

    shrinkage: float
    inverse: Inverse
    means: Projected
    temperature: float
    judged: Judged


def surely_more(losses: Array, others: Array) -> bool:
    """Tell whether losses are greater than others of the same pictures, by SURELY standard errors.

    Args:
        losses: [n].
        others: [n].

    Returns:
        False where there is no picture.
    """
    more = losses - others
    return len(more) > 0 and bool(more.mean() > SURELY * more.std() / np.sqrt(len(more)))


def choose_shrinkage(
    within: Scatter,
    left_out: LeaveBlockOut,
    labels: Sequence[int] | Array,
    odds: Sequence[float] = SHRINKAGE_ODDS,
    judges: int | None = None,
) -> Choice:
    """Choose the shrinkage by left-out pictures: the greatest, unless a smaller one is surely more truthful.

    Heavier shrinkage holds better where pictures come from new surroundings, which left-out blocks cannot
    show. A rule of standard errors (Breiman and others, "Classification and Regression Trees", 1984, section
    3.4.3), here of paired differences, keeps chance from taking it away.

    Args:
        within: W.
        left_out: pictures to judge by.
        labels: label of each group; a class in several surroundings has several groups.
        odds: factors to choose from, decreasing.
        judges: about how many of the pictures choose, where time is short; all by default.

    Returns:
        The choice, of these factors on the odds of the oracle-approximating shrinkage.
    """
    n, dtype = int(left_out.counts.sum()), left_out.z.dtype
    of = np.asarray(labels)
    some = left_out if judges is None else left_out.some(judges)
    truth = of[some.groups][:, None] == of
    base = oas_shrinkage(within, n)
    best: tuple[Array, float, Inverse, Projected] | None = None
    for factor in odds:
        shrinkage = factor * base / (1 - base + factor * base)
        inverse = precision(within, n, shrinkage, dtype)
        means = inverse.project(left_out.means, dtype)
        scores, _ = some.scores(inverse, means, shrinkage)
        losses = label_losses(best_temperature(scores, truth)[0] * scores, truth)
        if best is not None and not surely_more(best[0], losses):
            break
        best = losses, shrinkage, inverse, means
    if best is None:
        raise ValueError("there is no shrinkage to choose from")
    _, shrinkage, inverse, means = best
    judged = left_out.judge(inverse, means, shrinkage)
    truth = of[left_out.groups][:, None] == of
    temperature, _ = best_temperature(judged.scores, truth)
    modest = modest_temperature(temperature, judged.scores, truth)
    return Choice(shrinkage, inverse, means, modest, judged)
