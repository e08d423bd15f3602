"""A scatter matrix as its eigenvectors: every regularised inverse of it follows at no further cost.

With S = V diag(l) V', and an eigenvalue of zero for all that V does not span,

    (alpha S + beta I)^-1 = V diag(1 / (alpha l + beta) - 1 / beta) V' + I / beta

For fewer rows than columns V comes from the small matrix X X' instead of X'X: Hastie, Tibshirani and
Friedman, "The Elements of Statistical Learning", 2nd edition, 2009, section 18.3.5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.scatter import Projected


@dataclass(frozen=True)
class EigenScatter:
    """A symmetric positive semidefinite matrix S [d, d] as r eigenvectors; the rest has eigenvalue zero.

    Attributes:
        values: eigenvalues, float64 [r], not negative.
        vectors: float64 [d, r], orthonormal columns.
    """

    values: Array
    vectors: Array

    @classmethod
    def of_rows(cls, rows: Array) -> "EigenScatter":
        """Decompose X'X through the n x n matrix X X', for fewer rows than columns.

        Args:
            rows: X, float64 [n, d].

        Returns:
            The eigenvectors of X'X, r <= n.
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
    def squared_norm(self) -> float:
        """Sum of the squared eigenvalues: the squared Frobenius norm of S."""
        return float(np.sum(self.values**2))

    def project(self, x: Array, dtype: npt.DTypeLike = np.float64) -> "Projected":
        """Compute the coordinates of vectors along the eigenvectors.

        Args:
            x: [n, d].
            dtype: of the result; float32 takes half the time where its rounding does not matter.

        Returns:
            The vectors, for `EigenInverse`.
        """
        wide = x.astype(dtype, copy=False)
        return Projected(wide, wide @ self.vectors.astype(dtype, copy=False))

    def inverse(self, alpha: float, beta: float, dtype: npt.DTypeLike = np.float64) -> "EigenInverse":
        """Compute (alpha S + beta I)^-1.

        Args:
            alpha: not negative.
            beta: positive.
            dtype: unused, the eigenvectors are float64 already.

        Returns:
            The inverse, as an operator.
        """
        return EigenInverse(self, 1 / (alpha * self.values + beta) - 1 / beta, 1 / beta)


@dataclass(frozen=True)
class EigenInverse:
    """P = (alpha S + beta I)^-1 = V diag(change) V' + rest I.

    Attributes:
        scatter: S.
        change: 1 / (alpha l + beta) - 1 / beta, float64 [r].
        rest: 1 / beta.
    """

    scatter: EigenScatter
    change: Array
    rest: float

    def project(self, x: Array, dtype: npt.DTypeLike = np.float64) -> Projected:
        """Project vectors; see `EigenScatter.project`.

        Args:
            x: [n, d].
            dtype: of the result.

        Returns:
            The vectors.
        """
        return self.scatter.project(x, dtype)

    def inner_products(self, a: Projected, b: Projected) -> Array:
        """Compute a_i' P b_j.

        Args:
            a: n vectors.
            b: m vectors.

        Returns:
            [n, m], of the dtype of the vectors.
        """
        products: Array = self._scaled(a) @ b.coordinates.T
        if not self._complete:
            products += self.rest * (a.x @ b.x.T)
        return products

    def paired_products(self, a: Projected, b: Projected) -> Array:
        """Compute a_i' P b_i.

        Args:
            a: n vectors.
            b: n vectors.

        Returns:
            [n], of the dtype of the vectors.
        """
        products: Array = np.sum(self._scaled(a) * b.coordinates, axis=1)
        if not self._complete:
            products += self.rest * np.sum(a.x * b.x, axis=1)
        return products

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by P.

        Args:
            a: n vectors.

        Returns:
            [n, d], of the dtype of the vectors.
        """
        product: Array = self._scaled(a) @ self.scatter.vectors.T.astype(a.coordinates.dtype, copy=False)
        if not self._complete:
            product += self.rest * a.x
        return product

    @property
    def _complete(self) -> bool:
        """Whether the eigenvectors span all d dimensions, so that rest I can be added to the diagonal."""
        return len(self.change) == len(self.scatter.vectors)

    def _scaled(self, a: Projected) -> Array:
        scale = self.change + self.rest if self._complete else self.change
        scaled: Array = a.coordinates * scale.astype(a.coordinates.dtype, copy=False)
        return scaled
