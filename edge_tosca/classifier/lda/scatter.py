"""What the two forms of a scatter matrix have in common: projected vectors, inverses, the protocol."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array


@dataclass(frozen=True)
class Projected:
    """Vectors, and their coordinates along a spectrum's eigenvectors.

    Attributes:
        x: float [n, d].
        along: float [n, r].
    """

    x: Array
    along: Array

    def __getitem__(self, rows: slice | Array) -> "Projected":
        return Projected(self.x[rows], self.along[rows])


class Inverse(Protocol):
    """A positive definite matrix P, known by what it does to vectors."""

    def project(self, x: Array, dtype: npt.DTypeLike = np.float64) -> Projected:
        """Prepare vectors, [n, d]."""
        ...

    def between(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_j, [n, m]."""
        ...

    def along(self, a: Projected, b: Projected) -> Array:
        """Inner products a_i' P b_i of vectors in pairs, [n]."""
        ...

    def apply(self, a: Projected) -> Array:
        """Multiply vectors by P, [n, d]."""
        ...


class Scatter(Protocol):
    """A symmetric positive matrix S [d, d], known by its shrunken inverses.

    Attributes:
        dim: d.
        trace: sum of its diagonal.
        square: its squared Frobenius norm.
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
    def square(self) -> float:
        """Squared Frobenius norm."""
        ...

    def inverse(self, alpha: float, beta: float, dtype: npt.DTypeLike = np.float64) -> Inverse:
        """Give (alpha S + beta I)^-1, fit for vectors of a precision."""
        ...
