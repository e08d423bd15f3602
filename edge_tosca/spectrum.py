"""The eigenvectors of a scatter matrix, from which every shrunken inverse of it follows for free."""

from dataclasses import dataclass

import numpy as np

from edge_tosca.luca import Array


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
    def of_matrix(cls, matrix: Array) -> "Spectrum":
        """Decompose a matrix.

        Args:
            matrix: symmetric, float64 [d, d].

        Returns:
            Its spectrum, r = d.
        """
        values, vectors = np.linalg.eigh(matrix)
        return cls(np.maximum(values, 0), vectors)

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
    def trace(self) -> float:
        """Sum of the eigenvalues."""
        return float(self.values.sum())

    @property
    def square(self) -> float:
        """Sum of the squared eigenvalues: the squared Frobenius norm of S."""
        return float(np.sum(self.values**2))

    def project(self, x: Array) -> "Projected":
        """Express vectors in the eigenvectors.

        Args:
            x: [n, d].

        Returns:
            The vectors, ready for `ShrunkenInverse`.
        """
        wide = x.astype(np.float64)
        return Projected(wide, wide @ self.vectors)

    def inverse(self, alpha: float, beta: float) -> "ShrunkenInverse":
        """Give (alpha S + beta I)^-1.

        Args:
            alpha: not negative.
            beta: positive.

        Returns:
            The inverse, as an operator.
        """
        return ShrunkenInverse(self, 1 / (alpha * self.values + beta) - 1 / beta, 1 / beta)


@dataclass(frozen=True)
class Projected:
    """Vectors, and their coordinates along a spectrum's eigenvectors.

    Attributes:
        x: float64 [n, d].
        along: float64 [n, r].
    """

    x: Array
    along: Array

    def __getitem__(self, rows: slice) -> "Projected":
        return Projected(self.x[rows], self.along[rows])

    def __sub__(self, other: "Projected") -> "Projected":
        return Projected(self.x - other.x, self.along - other.along)

    def __rmul__(self, factor: float) -> "Projected":
        return Projected(factor * self.x, factor * self.along)

    def mean(self) -> "Projected":
        """Mean of the vectors, as one vector."""
        return Projected(self.x.mean(axis=0, keepdims=True), self.along.mean(axis=0, keepdims=True))

    def above(self, other: "Projected") -> "Projected":
        """Put other vectors below these."""
        return Projected(np.vstack([self.x, other.x]), np.vstack([self.along, other.along]))


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

    def between(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_j.

        Args:
            a: n vectors.
            b: m vectors.

        Returns:
            float64 [n, m].
        """
        products: Array = (a.along * self.change) @ b.along.T + self.rest * (a.x @ b.x.T)
        return products

    def along(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_i of vectors in pairs.

        Args:
            a: n vectors.
            b: n vectors.

        Returns:
            float64 [n].
        """
        products: Array = np.sum(a.along * self.change * b.along, axis=1) + self.rest * np.sum(
            a.x * b.x, axis=1
        )
        return products

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by the inverse.

        Args:
            a: n vectors.

        Returns:
            float64 [n, d].
        """
        product: Array = (a.along * self.change) @ self.spectrum.vectors.T + self.rest * a.x
        return product
