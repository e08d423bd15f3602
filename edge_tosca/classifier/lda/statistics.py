"""What the router is solved from: sums over cached features, to which groups are added and taken exactly.

A group is the pictures of one class in one task. While there are fewer pictures than half the feature
dimensions the features themselves are the cheaper summary; beyond that it is their Gram matrix, whose size
no longer depends on the number of pictures. Which one it is depends on the number of pictures alone, never
on the order in which they came, so that forgetting gives the very bits of never having seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.cholesky_scatter import WholeScatter
from edge_tosca.classifier.lda.eigen_scatter import Spectrum
from edge_tosca.classifier.lda.scatter import Scatter
from edge_tosca.features.normalization import GRID

_TOGETHER = 500


class Statistics(Protocol):
    """Sums over groups of conditioned features.

    Attributes:
        counts: pictures of each group, int64 [g].
        sums: sum of each group's features, float64 [g, d], exact.
    """

    @property
    def counts(self) -> Array:
        """Pictures of each group."""
        ...

    @property
    def sums(self) -> Array:
        """Sum of each group's features."""
        ...

    def within(self) -> Scatter:
        """Give the sum over all pictures of (z - its group's mean)(z - its group's mean)'."""
        ...

    def pooled(self, class_of_group: Array) -> "Statistics":
        """Count some groups as one.

        Args:
            class_of_group: of each group, int [g], 0 .. u - 1, none left out.

        Returns:
            The sums of the u class_of_group.
        """
        ...


@dataclass(frozen=True)
class RowStatistics:
    """The features themselves.

    Attributes:
        groups: float32 [n, d] each.
    """

    groups: tuple[Array, ...]

    @property
    def counts(self) -> Array:
        """Pictures of each group, int64 [g]."""
        return np.array([len(rows) for rows in self.groups], np.int64)

    @property
    def sums(self) -> Array:
        """Sum of each group's features, float64 [g, d]."""
        return np.stack([rows.sum(axis=0, dtype=np.float64) for rows in self.groups])

    def within(self) -> Spectrum:
        """Decompose the within-group scatter."""
        return Spectrum.of_rows(
            np.concatenate([rows - rows.mean(axis=0, dtype=np.float64) for rows in self.groups])
        )

    def pooled(self, class_of_group: Array) -> "RowStatistics":
        """Count some groups as one; see `Statistics.pooled`."""
        count = int(class_of_group.max()) + 1
        members = [[self.groups[g] for g in np.flatnonzero(class_of_group == unit)] for unit in range(count)]
        return RowStatistics(tuple(np.concatenate(rows) for rows in members))


@dataclass(frozen=True)
class GramStatistics:
    """Counts, sums and the Gram matrix: every entry a sum of multiples of 2^-30, exact in float64.

    Attributes:
        counts: int64 [g].
        sums: float64 [g, d].
        gram: sum over all pictures of z z', float64 [d, d].
    """

    counts: Array
    sums: Array
    gram: Array

    def to_arrays(self) -> dict[str, Array]:
        """Give the sums in half their bytes: of the Gram matrix the upper triangle, row after row.

        Returns:
            Arrays for the store.
        """
        steps = self.sums * GRID
        narrow = np.abs(steps).max(initial=0) < 1 << 31
        triangle = np.concatenate([self.gram[row, row:] for row in range(len(self.gram))])
        return {
            "counts": self.counts,
            "steps": steps.astype(np.int32 if narrow else np.int64),
            "triangle": triangle,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], pictures: Sequence[int], d: int) -> "GramStatistics":
        """Read what `to_arrays` gave, to the last bit.

        Args:
            arrays: from the store.
            pictures: of each group; there may be more groups than the sums know, at the end.
            d: width of a feature.

        Returns:
            The statistics.

        Raises:
            KeyError: an array is missing.
            ValueError: an array does not fit.
        """
        counts, steps, triangle = (arrays[name] for name in ("counts", "steps", "triangle"))
        if counts.dtype != np.int64 or counts.tolist() != list(pictures[: counts.size]):
            raise ValueError("the counts do not fit")
        if steps.dtype.kind != "i" or steps.shape != (len(counts), d):
            raise ValueError("the sums do not fit")
        if triangle.shape != (d * (d + 1) // 2,) or not np.isfinite(triangle).all():
            raise ValueError("the Gram matrix does not fit")
        sums, start = steps / GRID, 0
        gram = np.empty((d, d))
        for row in range(d):
            end = start + d - row
            gram[row, row:] = gram[row:, row] = triangle[start:end]
            start = end
        return cls(counts, sums, gram)

    @classmethod
    def of_groups(cls, groups: Iterable[Array], d: int) -> "GramStatistics":
        """Sum up groups.

        Args:
            groups: conditioned features, float32 [n, d] each.
            d: width of a feature.

        Returns:
            The statistics.
        """
        statistics = cls(np.zeros(0, np.int64), np.zeros((0, d)), np.zeros((d, d)))
        some: list[Array] = []
        for z in groups:
            some.append(z)
            # The Gram matrix is added to once for many groups: it is larger than most of them.
            if sum(len(rows) for rows in some) >= _TOGETHER:
                statistics, some = statistics.with_groups(some), []
        return statistics.with_groups(some)

    def with_groups(self, groups: Sequence[Array]) -> "GramStatistics":
        """Add groups at the end.

        Args:
            groups: conditioned features, [n, d] each.

        Returns:
            New statistics.
        """
        if not groups:
            return self
        exact = np.concatenate(groups).astype(np.float64)
        sums = [z.sum(axis=0, dtype=np.float64) for z in groups]
        counts = np.append(self.counts, [len(z) for z in groups])
        return GramStatistics(counts, np.vstack([self.sums, *sums]), self.gram + exact.T @ exact)

    def within(self) -> WholeScatter:
        """Give the within-group scatter."""
        scaled = self.sums / np.sqrt(self.counts)[:, None]
        scatter: Array = scaled.T @ scaled
        return WholeScatter(np.subtract(self.gram, scatter, out=scatter))

    def pooled(self, class_of_group: Array) -> "GramStatistics":
        """Count some groups as one; see `Statistics.pooled`."""
        count = int(class_of_group.max()) + 1
        counts, sums = np.zeros(count, np.int64), np.zeros((count, self.sums.shape[1]))
        np.add.at(counts, class_of_group, self.counts)
        np.add.at(sums, class_of_group, self.sums)
        return GramStatistics(counts, sums, self.gram)


def few(pictures: int, d: int) -> bool:
    """Say whether the features themselves are to be kept and not their Gram matrix.

    The eigenvectors that they need cost as much as the Gram matrix's inverses at half of d.

    Args:
        pictures: of all groups.
        d: width of a feature.
    """
    return 2 * pictures <= d


def statistics_of(groups: Sequence[Array]) -> Statistics:
    """Sum up groups in the smaller form.

    Args:
        groups: conditioned features, float32 [n, d] each.

    Returns:
        The features themselves while they are few, their sums beyond.
    """
    d = groups[0].shape[1]
    if few(sum(len(rows) for rows in groups), d):
        return RowStatistics(tuple(groups))
    return GramStatistics.of_groups(groups, d)
