"""The upper half of a square matrix, as strips of rows that begin at the diagonal: half the memory.

A lesson with features of several levels holds several matrices of 1904 x 1904 numbers at a time, and on a
small device their size decides how many pictures it may have. NumPy's `cholesky` and `inv` would copy them
besides. Here both work in place, on blocks (Golub and Van Loan, "Matrix Computations", 4th edition, 2013,
sections 4.2.6 and 3.1.3), so that most of the time goes into matrix products.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array

STRIP = 160
"""Rows of a strip."""


@dataclass(frozen=True)
class UpperHalf:
    """A symmetric matrix [d, d], or an upper triangular one.

    Attributes:
        strips: rows s .. s + STRIP of the columns s .. d, for s = 0, STRIP, 2 STRIP and so on. The square at
            the beginning of a strip is whole.
    """

    strips: tuple[Array, ...]

    @classmethod
    def zeros(cls, d: int, dtype: npt.DTypeLike = np.float64) -> "UpperHalf":
        """Return a matrix of zeros."""
        return cls(tuple(np.zeros((min(STRIP, d - start), d - start), dtype) for start in range(0, d, STRIP)))

    @classmethod
    def of(cls, matrix: Array) -> "UpperHalf":
        """Copy the upper half of a symmetric matrix, float [d, d]."""
        found = cls.zeros(len(matrix), matrix.dtype)
        for rows, strip in found.by_rows():
            strip[:] = matrix[rows, rows.start :]
        return found

    @classmethod
    def from_triangle(cls, triangle: Array, d: int) -> "UpperHalf":
        """Read a symmetric matrix from what `to_triangle` returned, [d (d + 1) / 2]."""
        found, begin = cls.zeros(d, triangle.dtype), 0
        for _, strip in found.by_rows():
            for row in range(len(strip)):
                end = begin + strip.shape[1] - row
                strip[row, row:] = triangle[begin:end]
                strip[row:, row] = strip[row, row : len(strip)]
                begin = end
        return found

    def to_triangle(self) -> Array:
        """Return the upper triangle row by row, [d (d + 1) / 2]."""
        return np.concatenate([strip[row, row:] for strip in self.strips for row in range(len(strip))])

    def to_matrix(self) -> Array:
        """Return the symmetric matrix, [d, d]."""
        d = self.dim
        matrix = np.empty((d, d), self.dtype)
        for rows, strip in self.by_rows():
            matrix[rows, rows.start :] = strip
            matrix[rows.start :, rows] = strip.T
        return matrix

    @property
    def dim(self) -> int:
        """Width and height d."""
        return self.strips[0].shape[1] if self.strips else 0

    @property
    def dtype(self) -> npt.DTypeLike:
        """Type of the numbers."""
        return self.strips[0].dtype if self.strips else np.float64

    def by_rows(self) -> Iterator[tuple[slice, Array]]:
        """Yield the rows of each strip, and the strip itself."""
        start = 0
        for strip in self.strips:
            yield slice(start, start + len(strip)), strip
            start += len(strip)

    def copy(self, factor: float = 1.0) -> "UpperHalf":
        """Return a copy, times a factor."""
        return UpperHalf(tuple(factor * strip for strip in self.strips))

    def astype(self, dtype: npt.DTypeLike) -> "UpperHalf":
        """Return the matrix in another type; itself where it has that."""
        return UpperHalf(tuple(strip.astype(dtype, copy=False) for strip in self.strips))

    def leading(self, d: int) -> "UpperHalf":
        """Copy the first d rows and columns."""
        found = [
            strip[: d - rows.start, : d - rows.start] for rows, strip in self.by_rows() if rows.start < d
        ]
        return UpperHalf(tuple(strip.copy() for strip in found))

    def add_products(self, rows: Array, factor: float = 1.0) -> None:
        """Add factor X'X of the rows of X, float [n, d], in place."""
        for place, strip in self.by_rows():
            products = rows[:, place].T @ rows[:, place.start :]
            strip += products if factor == 1.0 else factor * products

    def scale(self, columns: Array) -> None:
        """Multiply rows and columns by factors, [d], in place."""
        for place, strip in self.by_rows():
            strip *= columns[place.start :]
            strip *= columns[place, None]

    def add_to_diagonal(self, value: float) -> None:
        """Add a number to the diagonal, in place."""
        for strip in self.strips:
            diagonal = np.einsum("ii->i", strip[:, : len(strip)])
            diagonal += value

    @property
    def trace(self) -> float:
        """Sum of the diagonal."""
        return float(sum(np.trace(strip) for strip in self.strips))

    @property
    def squared_norm(self) -> float:
        """Squared Frobenius norm of a symmetric matrix."""
        wide = sum(2 * float(np.vdot(strip, strip)) for strip in self.strips)
        return wide - sum(float(np.sum(strip[:, : len(strip)] ** 2)) for strip in self.strips)

    def cholesky_in_place(self) -> None:
        """Factorise a symmetric positive definite matrix as U'U and keep U, upper triangular.

        Raises:
            LinAlgError: the matrix is not positive definite.
        """
        for place, strip in enumerate(self.strips):
            size = len(strip)
            own = np.linalg.cholesky(strip[:, :size])
            strip[:, :size] = own.T
            strip[:, size:] = _inverse(own) @ strip[:, size:]
            begin = size
            for below in self.strips[place + 1 :]:
                end = begin + len(below)
                below -= strip[:, begin:end].T @ strip[:, begin:]
                begin = end

    def invert_in_place(self) -> None:
        """Invert an upper triangular matrix: V U = I, from the last strip to the first."""
        for place in range(len(self.strips) - 1, -1, -1):
            strip = self.strips[place]
            size = len(strip)
            # V's diagonal block is that of U inverted; beside it -V_kk times U_ki V_i of all strips i below.
            own = _inverse(strip[:, :size].T).T
            beside = np.zeros_like(strip[:, size:])
            _add_product(beside, strip[:, size:], self.strips[place + 1 :])
            strip[:, :size] = own
            np.matmul(-own, beside, out=strip[:, size:])

    def times_columns(self, x: Array) -> Array:
        """Compute X V of an upper triangular V, [n, d]."""
        product = np.zeros_like(x)
        # By blocks of columns: a whole product with a strip would be as large as the result.
        for columns, _ in self.by_rows():
            for rows, strip in self.by_rows():
                if rows.start > columns.start:
                    break
                beside = slice(columns.start - rows.start, columns.stop - rows.start)
                product[:, columns] += x[:, rows] @ strip[:, beside]
        return product

    def times_rows(self, x: Array) -> Array:
        """Compute X V' of an upper triangular V, [n, d]."""
        product = np.empty_like(x)
        for rows, strip in self.by_rows():
            product[:, rows] = x[:, rows.start :] @ strip.T
        return product


def _add_product(product: Array, x: Array, strips: Sequence[Array]) -> None:
    """Add X V, V upper triangular, in place."""
    begin = 0
    for strip in strips:
        end = begin + len(strip)
        product[:, begin:] += x[:, begin:end] @ strip
        begin = end


def _inverse(lower: Array) -> Array:
    """Invert a small lower triangular matrix. LU with pivoting may leave rounding above the diagonal."""
    inverse: Array = np.tril(np.linalg.inv(lower))
    return inverse
