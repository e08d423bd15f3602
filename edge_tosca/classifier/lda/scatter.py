"""Protocols of a scatter matrix S and of its regularised inverse P = (alpha S + beta I)^-1.

`edge_tosca.classifier.lda.eigen_scatter` and `edge_tosca.classifier.lda.cholesky_scatter` implement them.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array


@dataclass(frozen=True)
class Projected:
    """Vectors, and their coordinates in the basis of an inverse.

    Attributes:
        x: the vectors, float [n, d].
        coordinates: float [n, r]; along the eigenvectors of S, or whitened by a root of P.
    """

    x: Array
    coordinates: Array

    def __getitem__(self, rows: slice | Array) -> "Projected":
        return Projected(self.x[rows], self.coordinates[rows])


class Inverse(Protocol):
    """A positive definite matrix P [d, d], as an operator on vectors."""

    def project(self, x: Array, dtype: npt.DTypeLike = np.float64) -> Projected:
        """Project vectors, [n, d]."""
        ...

    def inner_products(self, a: Projected, b: Projected) -> Array:
        """Compute a_i' P b_j, [n, m]."""
        ...

    def paired_products(self, a: Projected, b: Projected) -> Array:
        """Compute a_i' P b_i, [n]."""
        ...

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by P, [n, d]."""
        ...


class Scatter(Protocol):
    """A symmetric positive semidefinite matrix S [d, d] that can be inverted with regularisation.

    Attributes:
        dim: d.
        trace: sum of the diagonal.
        squared_norm: squared Frobenius norm.
    """

    @property
    def dim(self) -> int:
        """Width and height."""
        ...

    @property
    def trace(self) -> float:
        """Sum of the diagonal."""
        ...

    @property
    def squared_norm(self) -> float:
        """Squared Frobenius norm."""
        ...

    def inverse(self, alpha: float, beta: float, dtype: npt.DTypeLike = np.float64) -> Inverse:
        """Compute (alpha S + beta I)^-1, for vectors of a dtype."""
        ...
