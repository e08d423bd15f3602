"""One inverse of a scatter matrix, for a quarter of what its eigenvectors cost."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_tosca.luca import Array
from edge_tosca.spectrum import Projected

# Below this width LAPACK's general inverse is as fast as cutting a triangle in four.
_SMALL = 96


class Inverse(Protocol):
    """A positive definite matrix P, known by what it does to vectors."""

    def project(self, x: Array, dtype: npt.DTypeLike = np.float64) -> Projected:
        """Prepare vectors, [n, d]."""
        ...

    def between(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_j, [n, m]."""
        ...

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by P, [n, d]."""
        ...


@dataclass(frozen=True)
class Whitening:
    """P = R'R, under which R whitens: a'Pb = (Ra)'(Rb).

    Attributes:
        root: R, lower triangular, float64 [d, d].
    """

    root: Array

    @classmethod
    def of(cls, matrix: Array) -> "Whitening":
        """Invert a matrix.

        Args:
            matrix: symmetric positive definite, float64 [d, d].

        Returns:
            Its inverse, by the Cholesky factor's inverse.
        """
        lower = np.linalg.cholesky(matrix)
        # On a small device three matrices of this size at a time are one too many.
        del matrix
        return cls(_inverse_of_lower(lower))

    def project(self, x: Array, dtype: npt.DTypeLike = np.float64) -> Projected:
        """Whiten vectors.

        Args:
            x: [n, d].
            dtype: float32 takes half the time where its rounding does not matter.

        Returns:
            The vectors, and R times each of them.
        """
        wide = x.astype(dtype, copy=False)
        return Projected(wide, wide @ self.root.T.astype(dtype, copy=False))

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

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by P.

        Args:
            a: n vectors.

        Returns:
            [n, d], in the precision of the vectors.
        """
        product: Array = a.along @ self.root.astype(a.along.dtype, copy=False)
        return product


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
