"""A scatter matrix S as it is; each regularised inverse costs a fifth of what its eigenvectors cost.

With alpha S + beta I = U'U (Cholesky) and V = U^-1, the inverse is P = V V': V whitens, a'Pb = (a V)(b V)'.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.scatter import Projected
from edge_tosca.classifier.lda.upper_half import UpperHalf


@dataclass(frozen=True)
class CholeskyInverse:
    """P = V V', with V the inverse of a Cholesky factor.

    Attributes:
        root: V, upper triangular, float [d, d].
    """

    root: UpperHalf

    @classmethod
    def of(cls, matrix: UpperHalf, dtype: npt.DTypeLike = np.float64) -> "CholeskyInverse":
        """Invert a matrix.

        Args:
            matrix: symmetric positive definite, float64 [d, d]; it is overwritten.
            dtype: of V; float32 takes half the time where its rounding does not matter.

        Returns:
            The inverse.

        Raises:
            LinAlgError: the matrix is not positive definite.
        """
        matrix.cholesky_in_place()
        root = matrix.astype(dtype)
        root.invert_in_place()
        return cls(root)

    def project(self, x: Array, dtype: npt.DTypeLike | None = None) -> Projected:
        """Whiten vectors.

        Args:
            x: [n, d].
            dtype: of the result; the root's by default.

        Returns:
            The vectors, and each of them times V.
        """
        root = self.root.astype(dtype or self.root.dtype)
        wide = x.astype(root.dtype, copy=False)
        return Projected(wide, root.times_columns(wide))

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
        return self.root.astype(a.coordinates.dtype).times_rows(a.coordinates)


@dataclass(frozen=True)
class CholeskyScatter:
    """A scatter matrix that is factorised once for each inverse, for few inverses.

    Attributes:
        matrix: S, float64 [d, d].
    """

    matrix: UpperHalf

    @property
    def dim(self) -> int:
        """Width and height."""
        return self.matrix.dim

    @property
    def trace(self) -> float:
        """Sum of the diagonal."""
        return self.matrix.trace

    @property
    def squared_norm(self) -> float:
        """Squared Frobenius norm."""
        return self.matrix.squared_norm

    def inverse(self, alpha: float, beta: float, dtype: npt.DTypeLike = np.float64) -> CholeskyInverse:
        """Compute (alpha S + beta I)^-1.

        Args:
            alpha: not negative.
            beta: positive.
            dtype: of its root.

        Returns:
            The inverse.
        """
        matrix = self.matrix.copy(alpha)
        matrix.add_to_diagonal(beta)
        return CholeskyInverse.of(matrix, dtype)
