"""Inverses of a scatter matrix, each for a fifth of what its eigenvectors cost."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.scatter import Projected

# Below this width LAPACK's general inverse is as fast as cutting a triangle in four.
_SMALL = 96

# Products with a triangle are made strip by strip, each without the zeros beside it.
_STRIP = 160


@dataclass(frozen=True)
class Whitening:
    """P = R'R, under which R whitens: a'Pb = (Ra)'(Rb).

    Attributes:
        root: R, lower triangular, float [d, d].
    """

    root: Array

    @classmethod
    def of(cls, matrix: Array, dtype: npt.DTypeLike = np.float64) -> "Whitening":
        """Invert a matrix.

        Args:
            matrix: symmetric positive definite, float64 [d, d].
            dtype: of R; float32 takes half the time where its rounding does not matter.

        Returns:
            Its inverse, by the Cholesky factor's inverse.
        """
        lower = np.linalg.cholesky(matrix)
        # On a small device three matrices of this size at a time are one too many.
        del matrix
        return cls(_inverse_of_lower(lower.astype(dtype, copy=False)))

    def project(self, x: Array, dtype: npt.DTypeLike | None = None) -> Projected:
        """Whiten vectors.

        Args:
            x: [n, d].
            dtype: of the result; the root's by default.

        Returns:
            The vectors, and R times each of them.
        """
        root = self.root.astype(dtype or self.root.dtype, copy=False)
        wide = x.astype(root.dtype, copy=False)
        along = np.empty_like(wide)
        for start in range(0, len(root), _STRIP):
            end = start + _STRIP
            along[:, start:end] = wide[:, :end] @ root[start:end, :end].T
        return Projected(wide, along)

    def between(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_j.

        Args:
            a: n vectors.
            b: m vectors.

        Returns:
            [n, m], in the precision of the vectors.
        """
        products: Array = a.along @ b.along.T
        return products

    def along(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_i of vectors in pairs.

        Args:
            a: n vectors.
            b: n vectors.

        Returns:
            [n], in the precision of the vectors.
        """
        products: Array = np.sum(a.along * b.along, axis=1)
        return products

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by P.

        Args:
            a: n vectors.

        Returns:
            [n, d], in the precision of the vectors.
        """
        root = self.root.astype(a.along.dtype, copy=False)
        product = np.empty_like(a.along)
        for start in range(0, len(root), _STRIP):
            end = start + _STRIP
            product[:, start:end] = a.along[:, start:] @ root[start:, start:end]
        return product


@dataclass(frozen=True)
class WholeScatter:
    """A scatter matrix as it is, of which few inverses are wanted.

    Attributes:
        matrix: S, float64 [d, d].
    """

    matrix: Array

    @property
    def dim(self) -> int:
        """Width and height."""
        return len(self.matrix)

    @property
    def trace(self) -> float:
        """Sum of the diagonal."""
        return float(np.trace(self.matrix))

    @property
    def square(self) -> float:
        """Squared Frobenius norm."""
        return float(np.vdot(self.matrix, self.matrix))

    def inverse(self, alpha: float, beta: float, dtype: npt.DTypeLike = np.float64) -> Whitening:
        """Give (alpha S + beta I)^-1.

        Args:
            alpha: not negative.
            beta: positive.
            dtype: of its root.

        Returns:
            The inverse.
        """
        matrix = alpha * self.matrix
        matrix[np.diag_indices_from(matrix)] += beta
        return Whitening.of(matrix, dtype)


def _inverse_of_lower(lower: Array) -> Array:
    """Invert a lower triangular matrix by quarters: ((A, 0), (B, C)) to ((A^-1, 0), (-C^-1 B A^-1, C^-1))."""
    n = len(lower)
    if n <= _SMALL:
        # LU with pivoting may leave rounding above the diagonal, where nothing belongs.
        inverse: Array = np.tril(np.linalg.inv(lower))
        return inverse
    half = n // 2
    first, last = _inverse_of_lower(lower[:half, :half]), _inverse_of_lower(lower[half:, half:])
    inverse = np.zeros_like(lower)
    inverse[:half, :half], inverse[half:, half:] = first, last
    inverse[half:, :half] = -last @ (lower[half:, :half] @ first)
    return inverse
