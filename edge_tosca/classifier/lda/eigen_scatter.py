"""The eigenvectors of a scatter matrix, from which every shrunken inverse of it follows for free."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.scatter import Projected


@dataclass(frozen=True)
class Spectrum:
    """A symmetric positive matrix S [d, d] as eigenvectors; what they do not span has eigenvalue zero.

    Attributes:
        values: float64 [r], not negative.
        vectors: float64 [d, r], orthonormal columns.
    """

    values: Array
    vectors: Array

    @classmethod
    def of_rows(cls, rows: Array) -> "Spectrum":
        """Decompose rows' rows through the smaller n x n matrix, for fewer rows than columns.

        Args:
            rows: float64 [n, d].

        Returns:
            The spectrum of rows' rows, r <= n.
        """
        values, left = np.linalg.eigh(rows @ rows.T)
        # Directions without length cannot be normalised, and have eigenvalue zero like the rest.
        kept = values > 1e-10 * max(float(values.max(initial=0)), 1e-300)
        return cls(values[kept], rows.T @ (left[:, kept] / np.sqrt(values[kept])))

    @property
    def dim(self) -> int:
        """Width and height of S."""
        return len(self.vectors)

    @property
    def trace(self) -> float:
        """Sum of the eigenvalues."""
        return float(self.values.sum())

    @property
    def square(self) -> float:
        """Sum of the squared eigenvalues: the squared Frobenius norm of S."""
        return float(np.sum(self.values**2))

    def project(self, x: Array, dtype: npt.DTypeLike = np.float64) -> "Projected":
        """Express vectors in the eigenvectors.

        Args:
            x: [n, d].
            dtype: float32 takes half the time where its rounding does not matter.

        Returns:
            The vectors, ready for `ShrunkenInverse`.
        """
        wide = x.astype(dtype, copy=False)
        return Projected(wide, wide @ self.vectors.astype(dtype, copy=False))

    def inverse(self, alpha: float, beta: float, dtype: npt.DTypeLike = np.float64) -> "ShrunkenInverse":
        """Give (alpha S + beta I)^-1.

        Args:
            alpha: not negative.
            beta: positive.
            dtype: of no matter here: the eigenvectors are there already.

        Returns:
            The inverse, as an operator.
        """
        return ShrunkenInverse(self, 1 / (alpha * self.values + beta) - 1 / beta, 1 / beta)


@dataclass(frozen=True)
class ShrunkenInverse:
    """(alpha S + beta I)^-1 = V diag(change) V' + I / beta.

    Attributes:
        spectrum: of S.
        change: float64 [r].
        rest: 1 / beta.
    """

    spectrum: Spectrum
    change: Array
    rest: float

    def project(self, x: Array, dtype: npt.DTypeLike = np.float64) -> Projected:
        """Prepare vectors; see `Spectrum.project`.

        Args:
            x: [n, d].
            dtype: of the result.

        Returns:
            The vectors.
        """
        return self.spectrum.project(x, dtype)

    def between(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_j.

        Args:
            a: n vectors.
            b: m vectors.

        Returns:
            [n, m], in the precision of the vectors.
        """
        products: Array = self._scaled(a) @ b.along.T
        if not self._complete:
            products += self.rest * (a.x @ b.x.T)
        return products

    def along(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_i of vectors in pairs.

        Args:
            a: n vectors.
            b: n vectors.

        Returns:
            [n], in the precision of the vectors.
        """
        products: Array = np.sum(self._scaled(a) * b.along, axis=1)
        if not self._complete:
            products += self.rest * np.sum(a.x * b.x, axis=1)
        return products

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by the inverse.

        Args:
            a: n vectors.

        Returns:
            [n, d], in the precision of the vectors.
        """
        product: Array = self._scaled(a) @ self.spectrum.vectors.T.astype(a.along.dtype, copy=False)
        if not self._complete:
            product += self.rest * a.x
        return product

    @property
    def _complete(self) -> bool:
        """Whether the eigenvectors span everything, so that nothing is left for the rest to do."""
        return len(self.change) == len(self.spectrum.vectors)

    def _scaled(self, a: Projected) -> Array:
        scale = self.change + self.rest if self._complete else self.change
        scaled: Array = a.along * scale.astype(a.along.dtype, copy=False)
        return scaled
