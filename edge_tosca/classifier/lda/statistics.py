"""Counts, sums and scatter of cached features: all that the discriminant is solved from.

    W = sum over groups g, pictures z of g: (z - m_g)(z - m_g)'  =  sum z z' - sum over g: n_g m_g m_g'

There are two forms. `RowStatistics` keeps the features, `GramStatistics` their Gram matrix sum z z', whose
size does not depend on the number of pictures. `keeps_rows` chooses by the number of pictures alone, never by
the order in which they came. All sums are exact (`edge_tosca.features.normalization.GRID`). So the statistics
after forgetting a class equal, to the last bit, those of a learner that never saw it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.cholesky_scatter import CholeskyScatter
from edge_tosca.classifier.lda.eigen_scatter import EigenScatter
from edge_tosca.classifier.lda.scatter import Scatter
from edge_tosca.classifier.lda.upper_half import UpperHalf
from edge_tosca.features.normalization import GRID
from edge_tosca.features.part_weights import column_weights, weigh

_TOGETHER = 500


class Statistics(Protocol):
    """Sums over the normalised features of groups.

    Attributes:
        counts: pictures of each group, int64 [g].
        sums: sum of each group's features, float64 [g, d], exact.
    """

    @property
    def counts(self) -> Array:
        """Pictures of each group, int64 [g]."""
        ...

    @property
    def sums(self) -> Array:
        """Sum of each group's features, float64 [g, d]."""
        ...

    def within(self) -> Scatter:
        """Compute the within-group scatter W."""
        ...

    def weighted(self, widths: Sequence[int], weight: float) -> "Statistics":
        """Weigh the features' further parts, see `edge_tosca.features.part_weights`.

        Args:
            widths: of the parts.
            weight: of all but the first; 0 leaves them out.

        Returns:
            The statistics of the weighted features.
        """
        ...

    def pooled(self, class_of_group: Array) -> "Statistics":
        """Merge all groups of each class.

        Args:
            class_of_group: class of each group, int [g], 0 .. c - 1, each of them at least once.

        Returns:
            The statistics of the c classes.
        """
        ...


@dataclass(frozen=True)
class RowStatistics:
    """The features themselves.

    Attributes:
        groups: normalised features of each group, float32 [n, d].
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

    def within(self) -> EigenScatter:
        """Decompose the within-group scatter."""
        return EigenScatter.of_rows(
            np.concatenate([rows - rows.mean(axis=0, dtype=np.float64) for rows in self.groups])
        )

    def weighted(self, widths: Sequence[int], weight: float) -> "RowStatistics":
        """Weigh the features' further parts; see `Statistics.weighted`."""
        return RowStatistics(tuple(weigh(rows, widths, weight) for rows in self.groups))

    def pooled(self, class_of_group: Array) -> "RowStatistics":
        """Merge all groups of each class; see `Statistics.pooled`."""
        classes = int(class_of_group.max()) + 1
        members = [[self.groups[g] for g in np.flatnonzero(class_of_group == c)] for c in range(classes)]
        return RowStatistics(tuple(np.concatenate(rows) for rows in members))


@dataclass(frozen=True)
class GramStatistics:
    """Counts, sums and the Gram matrix: every entry a sum of multiples of 2^-30, exact in float64.

    Attributes:
        counts: pictures of each group, int64 [g].
        sums: sum of each group's features, float64 [g, d].
        gram: sum over all pictures of z z', float64 [d, d].
    """

    counts: Array
    sums: Array
    gram: UpperHalf

    def to_arrays(self) -> dict[str, Array]:
        """Return arrays of half the size: the sums in steps of the grid, the upper triangle row by row.

        Returns:
            Arrays under the names in which a store keeps them.
        """
        steps = self.sums * GRID
        narrow = np.abs(steps).max(initial=0) < 1 << 31
        return {
            "counts": self.counts,
            "steps": steps.astype(np.int32 if narrow else np.int64),
            "triangle": self.gram.to_triangle(),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], pictures: Sequence[int], d: int) -> "GramStatistics":
        """Read the arrays that `to_arrays` returned, exactly.

        Args:
            arrays: from the store.
            pictures: of each group; newer groups, at the end, may be missing in the arrays.
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
        return cls(counts, steps / GRID, UpperHalf.from_triangle(triangle, d))

    @classmethod
    def of_groups(cls, groups: Iterable[Array], d: int) -> "GramStatistics":
        """Sum up groups.

        Args:
            groups: normalised features of each, float32 [n, d].
            d: width of a feature.

        Returns:
            The statistics.
        """
        statistics = cls(np.zeros(0, np.int64), np.zeros((0, d)), UpperHalf.zeros(d))
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
            groups: normalised features of each, [n, d].

        Returns:
            New statistics.
        """
        if not groups:
            return self
        sums = [z.sum(axis=0, dtype=np.float64) for z in groups]
        counts = np.append(self.counts, [len(z) for z in groups])
        gram, pictures = self.gram.copy(), np.concatenate(groups)
        for start in range(0, len(pictures), _TOGETHER):
            gram.add_products(pictures[start : start + _TOGETHER].astype(np.float64))
        return GramStatistics(counts, np.vstack([self.sums, *sums]), gram)

    def within(self) -> CholeskyScatter:
        """Compute the within-group scatter."""
        scaled = self.sums / np.sqrt(self.counts)[:, None]
        scatter = self.gram.copy()
        scatter.add_products(scaled, -1.0)
        return CholeskyScatter(scatter)

    def weighted(self, widths: Sequence[int], weight: float) -> "WeightedGramStatistics":
        """Weigh the features' further parts; see `Statistics.weighted`."""
        return WeightedGramStatistics(self, tuple(widths), weight)

    def pooled(self, class_of_group: Array) -> "GramStatistics":
        """Merge all groups of each class; see `Statistics.pooled`."""
        classes = int(class_of_group.max()) + 1
        counts, sums = np.zeros(classes, np.int64), np.zeros((classes, self.sums.shape[1]))
        np.add.at(counts, class_of_group, self.counts)
        np.add.at(sums, class_of_group, self.sums)
        return GramStatistics(counts, sums, self.gram)


@dataclass(frozen=True)
class WeightedGramStatistics:
    """Sums of weighted features, from those of the unweighted ones; the Gram matrix is not copied.

    Attributes:
        plain: of the unweighted features.
        widths: of their parts.
        weight: of all parts but the first.
    """

    plain: GramStatistics
    widths: tuple[int, ...]
    weight: float

    @property
    def counts(self) -> Array:
        """Pictures of each group, int64 [g]."""
        return self.plain.counts

    @property
    def sums(self) -> Array:
        """Sum of each group's weighted features, float64 [g, d]."""
        return weigh(self.plain.sums, self.widths, self.weight)

    def within(self) -> CholeskyScatter:
        """Compute the within-group scatter."""
        scatter = self.plain.within().matrix
        if self.weight == 0:
            return CholeskyScatter(scatter.leading(self.widths[0]))
        scatter.scale(column_weights(self.widths, self.weight).astype(np.float64))
        return CholeskyScatter(scatter)

    def weighted(self, widths: Sequence[int], weight: float) -> "WeightedGramStatistics":
        """Weigh the same parts with another weight."""
        return WeightedGramStatistics(self.plain, tuple(widths), weight)

    def pooled(self, class_of_group: Array) -> "WeightedGramStatistics":
        """Merge all groups of each class; see `Statistics.pooled`."""
        return WeightedGramStatistics(self.plain.pooled(class_of_group), self.widths, self.weight)


def keeps_rows(pictures: int, d: int) -> bool:
    """Decide whether the features themselves are kept (True) or their Gram matrix.

    At d / 2 pictures the eigenvectors that the rows need cost as much as the inverses of the Gram form.

    Args:
        pictures: of all groups.
        d: width of a feature.
    """
    return 2 * pictures <= d


def statistics_of(groups: Sequence[Array]) -> Statistics:
    """Sum up groups, in the form that `keeps_rows` chooses.

    Args:
        groups: normalised features of each, float32 [n, d].

    Returns:
        The statistics.
    """
    d = groups[0].shape[1]
    if keeps_rows(sum(len(rows) for rows in groups), d):
        return RowStatistics(tuple(groups))
    return GramStatistics.of_groups(groups, d)
