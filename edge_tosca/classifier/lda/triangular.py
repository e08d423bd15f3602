"""Factorise a symmetric matrix and invert the factor, each in the memory of the matrix itself.

NumPy's `cholesky` and `inv` copy their argument and return another matrix, so that three or four of them lie in
memory at a time; on a small device that decides how many pictures a lesson may have. Both algorithms work on
blocks (Golub and Van Loan, "Matrix Computations", 4th edition, 2013, section 4.2.6; Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd edition, 2002, section 14.2), so that most of the time goes into matrix
products.
"""

import numpy as np

from edge_tosca.arrays import Array

STRIP = 160
"""Columns of a block. Products with a triangle are computed in strips, each without the zeros beside it."""


def cholesky_in_place(matrix: Array) -> Array:
    """Factorise a matrix as L L'.

    Args:
        matrix: symmetric positive definite, float [d, d]; only its lower triangle is read, and it is overwritten.

    Returns:
        The same array: L, with zeros above the diagonal.

    Raises:
        LinAlgError: the matrix is not positive definite.
    """
    size = len(matrix)
    for start in range(0, size, STRIP):
        end = min(start + STRIP, size)
        own = np.linalg.cholesky(matrix[start:end, start:end])
        matrix[start:end, start:end] = own
        matrix[start:end, end:] = 0
        below = matrix[end:, start:end]
        below[:] = below @ _inverse(own).T
        for row in range(end, size, STRIP):
            last = min(row + STRIP, size)
            matrix[row:last, end:last] -= below[row - end : last - end] @ below[: last - end].T
    return matrix


def invert_in_place(lower: Array) -> Array:
    """Invert a triangular matrix by quarters: ((A, 0), (B, C)) to ((A^-1, 0), (-C^-1 B A^-1, C^-1)).

    Args:
        lower: lower triangular, float [d, d], zeros above the diagonal; it is overwritten.

    Returns:
        The same array: the inverse.
    """
    size = len(lower)
    if size <= STRIP:
        lower[:] = _inverse(lower)
        return lower
    half = size // 2
    first, last = invert_in_place(lower[:half, :half]), invert_in_place(lower[half:, half:])
    off = lower[half:, :half]
    # Right to left by the zeros of each triangle: a column of B A^-1 needs the columns of B from its own on,
    # a row of C^-1 (B A^-1) the rows up to its own.
    for start in range(0, half, STRIP):
        end = min(start + STRIP, half)
        off[:, start:end] = off[:, start:] @ first[start:, start:end]
    for end in range(size - half, 0, -STRIP):
        start = max(0, end - STRIP)
        off[start:end] = -last[start:end, :end] @ off[:end]
    return lower


def _inverse(lower: Array) -> Array:
    """Invert a small triangular matrix. LU with pivoting may leave rounding above the diagonal."""
    inverse: Array = np.tril(np.linalg.inv(lower))
    return inverse
