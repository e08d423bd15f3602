"""A scatter matrix S as it is; each regularised inverse costs a fifth of what its eigenvectors cost.

With alpha S + beta I = L L' (Cholesky) and R = L^-1, the inverse is P = R'R: R whitens, a'Pb = (R a)'(R b).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.scatter import Projected
from edge_tosca.classifier.lda.triangular import STRIP, cholesky_in_place, invert_in_place


@dataclass(frozen=True)
class CholeskyInverse:
    """P = R'R, with R the inverse of a Cholesky factor.

    Attributes:
        root: R, lower triangular, float [d, d].
    """

    root: Array

    @classmethod
    def of(cls, matrix: Array, dtype: npt.DTypeLike = np.float64) -> "CholeskyInverse":
        """Invert a matrix.

        Args:
            matrix: symmetric positive definite, float64 [d, d]; it is overwritten.
            dtype: of R; float32 takes half the time where its rounding does not matter.

        Returns:
            The inverse.

        Raises:
            LinAlgError: the matrix is not positive definite.
        """
        return cls(invert_in_place(cholesky_in_place(matrix).astype(dtype, copy=False)))

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
        whitened = np.empty_like(wide)
        for start in range(0, len(root), STRIP):
            end = start + STRIP
            whitened[:, start:end] = wide[:, :end] @ root[start:end, :end].T
        return Projected(wide, whitened)

    def inner_products(self, a: Projected, b: Projected) -> Array:
        """Compute a_i' P b_j.

        Args:
            a: n vectors.
            b: m vectors.

        Returns:
            [n, m], of the dtype of the vectors.
        """
        products: Array = a.coordinates @ b.coordinates.T
        return products

    def paired_products(self, a: Projected, b: Projected) -> Array:
        """Compute a_i' P b_i.

        Args:
            a: n vectors.
            b: n vectors.

        Returns:
            [n], of the dtype of the vectors.
        """
        products: Array = np.sum(a.coordinates * b.coordinates, axis=1)
        return products

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by P.

        Args:
            a: n vectors.

        Returns:
            [n, d], of the dtype of the vectors.
        """
        root = self.root.astype(a.coordinates.dtype, copy=False)
        product = np.empty_like(a.coordinates)
        for start in range(0, len(root), STRIP):
            end = start + STRIP
            product[:, start:end] = a.coordinates[:, start:] @ root[start:, start:end]
        return product


@dataclass(frozen=True)
class CholeskyScatter:
    """A scatter matrix that is factorised once for each inverse, for few inverses.

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
    def squared_norm(self) -> float:
        """Squared Frobenius norm."""
        return float(np.vdot(self.matrix, self.matrix))

    def inverse(self, alpha: float, beta: float, dtype: npt.DTypeLike = np.float64) -> CholeskyInverse:
        """Compute (alpha S + beta I)^-1.

        Args:
            alpha: not negative.
            beta: positive.
            dtype: of its root.

        Returns:
            The inverse.
        """
        matrix = alpha * self.matrix
        matrix[np.diag_indices_from(matrix)] += beta
        return CholeskyInverse.of(matrix, dtype)
