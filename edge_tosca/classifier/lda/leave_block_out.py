"""What the discriminant would have said of pictures that it had not seen: exact, without solving it anew."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.block_downdate import WithoutBlock, without_block
from edge_tosca.classifier.lda.blocked_folds import FOLDS, Block
from edge_tosca.classifier.lda.discriminant import above_background
from edge_tosca.classifier.lda.mean_shrinkage import PLAIN, Prior, shrunken_scores
from edge_tosca.classifier.lda.relative_mahalanobis import (
    NEAREST_CLASSES,
    from_background,
    nearest_groups,
    relative_mahalanobis,
)
from edge_tosca.classifier.lda.scatter import Inverse, Projected


@dataclass(frozen=True)
class LeaveBlockOut:
    """Cached pictures to be scored by a discriminant that had seen neither them nor their block.

    `edge_tosca.classifier.lda.block_downdate` has the algebra. The shrinkage target stays.

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
        # A step that is a multiple of the folds would take the same fold of every group.
        every += every % FOLDS == 0
        owners = np.repeat(np.arange(len(self.blocks)), [len(b.rows) for b in self.blocks])
        return replace(self, z=self.z[owners % every == 0], blocks=self.blocks[::every])

    def compare(self, inverse: Inverse, means: Projected, shrinkage: float) -> "HeldOutScores":
        """Score the pictures.

        Args:
            inverse: P, the pictures included.
            means: `means` under it.
            shrinkage: the rho it was made with.

        Returns:
            How the pictures compare with the groups, in their precision.
        """
        found = [
            (above_background(block.scores()), block.norms(), block.from_own_mean())
            for block in self.without(inverse, means, shrinkage)
        ]
        groups = len(self.counts)
        return HeldOutScores(
            np.concatenate([np.zeros((0, groups), self.z.dtype), *(margins for margins, _, _ in found)]),
            np.array([norms for _, norms, _ in found]).reshape(-1, groups),
            np.concatenate([np.zeros(0), *(spread for _, _, spread in found)]),
            self.blocks,
            self.counts,
        )

    def judge(self, inverse: Inverse, means: Projected, shrinkage: float, prior: Prior) -> "HeldOutResult":
        """Score the pictures and compare them with their nearest groups.

        Args:
            inverse: P, the pictures included.
            means: `means` under it.
            shrinkage: the rho it was made with.
            prior: of the groups' means.

        Returns:
            What would have been said of them.
        """
        groups = len(self.counts)
        scores = [np.zeros((0, groups), self.z.dtype)]
        nearest = [np.zeros((0, min(NEAREST_CLASSES, groups)), int)]
        distances: list[tuple[float, float]] = []
        for block, left in zip(self.without(inverse, means, shrinkage), self.blocks, strict=True):
            margins = above_background(block.scores())
            counts = left.taken_from(self.counts)
            scores.append(
                shrunken_scores(margins, block.norms(), prior.mean_weights(counts)).astype(self.z.dtype)
            )
            noise = prior.mean_noise(counts)
            nearest.append(nearest_groups(margins + 0.5 * noise))
            union = np.unique(nearest[-1])
            columns = np.append(union, groups)
            between = from_background(block.means(columns, inverse.between(means[columns], means[columns])))
            for row, some in zip(margins, nearest[-1], strict=True):
                places = np.searchsorted(union, some)
                distances.append(
                    relative_mahalanobis(row[some], between[np.ix_(places, places)], noise[some])
                )
        return HeldOutResult(
            np.concatenate(scores), np.concatenate(nearest), np.array(distances).reshape(-1, 2)
        )

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


def scores_dtype(counts: Array, dimensions: int) -> type[np.floating[Any]]:
    """Say how precisely left-out pictures are to be scored: with many of them float32 tells enough.

    With few pictures the scores are large and their differences small.

    Args:
        counts: pictures of each group, int [g].
        dimensions: of a feature.

    Returns:
        The type of `LeaveBlockOut.of`.
    """
    return np.float32 if counts.sum() > dimensions else np.float64


@dataclass(frozen=True)
class HeldOutScores:
    """How pictures whose blocks were left out compare with the groups' means as they are without them.

    Attributes:
        margins: scores of the groups above the background's, [n, g].
        norms: squared distances of the means from the background, one row a block, [b, g].
        spread: squared distance of each picture from its own group's mean, float64 [n].
        blocks: b, of the n pictures.
        counts: pictures of each group, the blocks included, int [g].
    """

    margins: Array
    norms: Array
    spread: Array
    blocks: tuple[Block, ...]
    counts: Array

    def prior(self) -> Prior:
        """Estimate how far the groups' means can be trusted."""
        if not self.blocks:
            return PLAIN
        left = np.array([self.counts[block.group] - len(block.rows) for block in self.blocks])
        left = np.repeat(left, [len(block.rows) for block in self.blocks])
        # A mean of n pictures is off, too: by a n-th of what a picture is.
        noise = float(np.mean(self.spread * left / (left + 1)))
        return Prior.of(noise, self.norms.mean(axis=0), self.counts)

    def scores(self, prior: Prior) -> Array:
        """Score the pictures for the groups, [n, g], in the precision of `margins`."""
        start, scores = 0, np.empty_like(self.margins)
        for block, norms in zip(self.blocks, self.norms, strict=True):
            rows = slice(start, start + len(block.rows))
            weights = prior.mean_weights(block.taken_from(self.counts))
            scores[rows] = shrunken_scores(self.margins[rows], norms, weights)
            start = rows.stop
        return scores


@dataclass(frozen=True)
class HeldOutResult:
    """What would have been said of pictures whose blocks had not been seen.

    Attributes:
        scores: of the groups, [n, g].
        nearest: groups that each picture is compared with, int [n, k].
        relative_mahalanobis: of each picture to those groups, float64 [n, 2]; see
            `edge_tosca.classifier.lda.relative_mahalanobis`.
    """

    scores: Array
    nearest: Array
    relative_mahalanobis: Array
