"""Leave-block-out scores: exact, without solving the discriminant again for every block.

Each picture is scored by the discriminant of all pictures outside its block (the algebra:
`edge_tosca.classifier.lda.block_downdate`). Only the shrinkage target rho trace(W) / (n d) stays that of all
pictures. The background, the mean of all pictures, is scored like a group: a group's margin above it is
evidence that a picture belongs to the group.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.block_downdate import BlockDowndate, downdate
from edge_tosca.classifier.lda.blocked_folds import FOLDS, Block
from edge_tosca.classifier.lda.discriminant import above_background
from edge_tosca.classifier.lda.mean_shrinkage import FLAT_PRIOR, Prior, shrunken_scores
from edge_tosca.classifier.lda.relative_mahalanobis import (
    NEAREST_CLASSES,
    from_background,
    nearest_groups,
    relative_mahalanobis,
)
from edge_tosca.classifier.lda.scatter import Inverse, Projected


@dataclass(frozen=True)
class LeaveBlockOut:
    """Cached pictures, each to be scored by a discriminant without its block.

    Attributes:
        z: normalised features of the held-out pictures, block after block, [n, d].
        blocks: of the pictures.
        means: of the g groups, the background's below them, [g + 1, d], of the dtype of z.
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
            blocks: pictures that are held out together.
            sums: of the groups' features, [g, d].
            counts: pictures of each group, int [g].
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

    def subsample(self, most: int) -> "LeaveBlockOut":
        """Keep an even sample of the blocks.

        Args:
            most: about how many pictures to keep.

        Returns:
            Fewer pictures, or all where they are no more than that.
        """
        every = max(1, -(-len(self.z) // most))
        # A step that is a multiple of the folds would take the same fold of every group.
        every += every % FOLDS == 0
        owners = np.repeat(np.arange(len(self.blocks)), [len(b.rows) for b in self.blocks])
        return replace(self, z=self.z[owners % every == 0], blocks=self.blocks[::every])

    def score(self, inverse: Inverse, means: Projected, shrinkage: float) -> "HeldOutScores":
        """Score the pictures by the plain means.

        Args:
            inverse: P of all pictures.
            means: `means`, projected by it.
            shrinkage: rho of P.

        Returns:
            What the scores under any prior follow from.
        """
        found = [
            (above_background(block.scores()), block.norms(), block.own_distances())
            for block in self.downdates(inverse, means, shrinkage)
        ]
        groups = len(self.counts)
        return HeldOutScores(
            np.concatenate([np.zeros((0, groups), self.z.dtype), *(margins for margins, _, _ in found)]),
            np.array([norms for _, norms, _ in found]).reshape(-1, groups),
            np.concatenate([np.zeros(0), *(distances for _, _, distances in found)]),
            self.blocks,
            self.counts,
        )

    def evaluate(self, inverse: Inverse, means: Projected, shrinkage: float, prior: Prior) -> "HeldOutResult":
        """Score the pictures by the shrunken means, and compare them with their nearest groups.

        Args:
            inverse: P of all pictures.
            means: `means`, projected by it.
            shrinkage: rho of P.
            prior: of the groups' means.

        Returns:
            Scores and OOD statistics.
        """
        groups = len(self.counts)
        scores = [np.zeros((0, groups), self.z.dtype)]
        nearest = [np.zeros((0, min(NEAREST_CLASSES, groups)), int)]
        distances: list[tuple[float, float]] = []
        downdates = self.downdates(inverse, means, shrinkage)
        for downdated, block in zip(downdates, self.blocks, strict=True):
            margins = above_background(downdated.scores())
            counts = block.remaining_counts(self.counts)
            scores.append(
                shrunken_scores(margins, downdated.norms(), prior.mean_weights(counts)).astype(self.z.dtype)
            )
            noise = prior.mean_noise(counts)
            nearest.append(nearest_groups(margins + 0.5 * noise))
            union = np.unique(nearest[-1])
            columns = np.append(union, groups)
            before = inverse.inner_products(means[columns], means[columns])
            between = from_background(downdated.mean_products(columns, before))
            for row, some in zip(margins, nearest[-1], strict=True):
                places = np.searchsorted(union, some)
                distances.append(
                    relative_mahalanobis(row[some], between[np.ix_(places, places)], noise[some])
                )
        return HeldOutResult(
            np.concatenate(scores), np.concatenate(nearest), np.array(distances).reshape(-1, 2)
        )

    def downdates(self, inverse: Inverse, means: Projected, shrinkage: float) -> Iterator[BlockDowndate]:
        """Remove one block after another, each from all pictures.

        Args:
            inverse: P of all pictures.
            means: `means`, projected by it.
            shrinkage: rho of P.

        Yields:
            The inner products without each block.
        """
        groups = np.array([block.group for block in self.blocks], int)
        z = inverse.project(self.z, self.z.dtype)
        by_means = inverse.inner_products(z, means)
        own_by_means = inverse.inner_products(means[groups], means)
        middle_by_means = inverse.inner_products(means[-1:], means)
        squares = inverse.paired_products(means, means)
        total = int(self.counts.sum())
        start = 0
        for block, own in zip(self.blocks, own_by_means, strict=True):
            rows = slice(start, start + len(block.rows))
            yield downdate(
                block.group,
                (int(self.counts[block.group]), total),
                inverse.inner_products(z[rows], z[rows]),
                np.vstack([by_means[rows], own, middle_by_means]),
                squares,
                (1 - shrinkage) / total,
            )
            start = rows.stop


def scores_dtype(counts: Array, dimensions: int) -> type[np.floating[Any]]:
    """Choose the precision of held-out scores: float32 where there are many pictures.

    With few pictures the scores are large and their differences small.

    Args:
        counts: pictures of each group, int [g].
        dimensions: width of a feature.

    Returns:
        The dtype for `LeaveBlockOut.of`.
    """
    return np.float32 if counts.sum() > dimensions else np.float64


@dataclass(frozen=True)
class HeldOutScores:
    """Held-out pictures beside the groups' means, each without the picture's block.

    Attributes:
        margins: of the groups above the background, [n, g].
        norms: squared distances of the means from the background, one row a block, [b, g].
        own_distances: squared distance of each picture from its own group's mean, float64 [n].
        blocks: b, of the n pictures.
        counts: pictures of each group, the blocks included, int [g].
    """

    margins: Array
    norms: Array
    own_distances: Array
    blocks: tuple[Block, ...]
    counts: Array

    def prior(self) -> Prior:
        """Estimate the prior of the groups' means."""
        if not self.blocks:
            return FLAT_PRIOR
        left = np.array([self.counts[block.group] - len(block.rows) for block in self.blocks])
        left = np.repeat(left, [len(block.rows) for block in self.blocks])
        # The distance to a mean of n pictures holds the noise of the mean, too: an n-th of the picture's.
        noise = float(np.mean(self.own_distances * left / (left + 1)))
        return Prior.of(noise, self.norms.mean(axis=0), self.counts)

    def scores(self, prior: Prior) -> Array:
        """Score the pictures by the shrunken means, [n, g], of the dtype of `margins`."""
        start, scores = 0, np.empty_like(self.margins)
        for block, norms in zip(self.blocks, self.norms, strict=True):
            rows = slice(start, start + len(block.rows))
            weights = prior.mean_weights(block.remaining_counts(self.counts))
            scores[rows] = shrunken_scores(self.margins[rows], norms, weights)
            start = rows.stop
        return scores


@dataclass(frozen=True)
class HeldOutResult:
    """Scores and OOD statistics of held-out pictures.

    Attributes:
        scores: of the groups by their shrunken means, [n, g].
        nearest: groups that each picture is compared with, int [n, k].
        relative_mahalanobis: of each picture to those groups, float64 [n, 2]; see
            `edge_tosca.classifier.lda.relative_mahalanobis`.
    """

    scores: Array
    nearest: Array
    relative_mahalanobis: Array
