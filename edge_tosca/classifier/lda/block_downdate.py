"""Remove a block of pictures from the discriminant, by inner products instead of vectors.

Of a group of n pictures with mean c, a block of m is removed. R [m, d] holds the block's residuals from c, r
is their mean. The group's mean becomes c - m r / (n - m), the background, of N pictures, moves likewise, and
the within scatter becomes W - U'U, with U = R and below it the row m r / sqrt(n - m). For P = (w W + B)^-1
the new inverse follows by the Sherman-Morrison-Woodbury formula (Hager, "Updating the Inverse of a Matrix",
1989):

    (w (W - U'U) + B)^-1 = P + P U' (I / w - U P U')^-1 U P

All vectors here are linear combinations of the block's pictures, c and the background. So m + 2 inner
products with each mean are enough, and no d x d matrix is touched.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array


@dataclass(frozen=True)
class BlockDowndate:
    """A held-out block of m pictures, and inner products under the inverse without it.

    "Basis" are the m pictures, the group's old mean and the old background.

    Attributes:
        group: of the block.
        products: of the basis, float64 [m + 2, m + 2].
        by_means: of the basis with all old means, the background's last, [m + 2, g + 1].
        squares: of every old mean with itself, [g + 1].
        removed: U times all old means, under the old inverse, [m + 1, g + 1].
        gain: (I / w - U P U')^-1, [m + 1, m + 1].
        shifts: of the group's mean and of the background, as coefficients of the basis, float64 [2, m + 2].
    """

    group: int
    products: Array
    by_means: Array
    squares: Array
    removed: Array
    gain: Array
    shifts: Array

    def picture_products(self) -> Array:
        """Compute the inner products of the pictures with all means without the block, [m, g + 1]."""
        m = len(self.by_means) - 2
        moved = self.by_means[:m].copy()
        for column, shift in zip((self.group, -1), self.shifts, strict=True):
            moved[:, column] += self.products[:m] @ shift
        return moved

    def scores(self) -> Array:
        """Score the pictures for every group and, last, for the background, [m, g + 1]."""
        return self.picture_products() - 0.5 * self._squares()

    def own_distances(self) -> Array:
        """Compute the pictures' squared distances from their group's mean without the block, [m]."""
        m = len(self.by_means) - 2
        moved = np.eye(m + 2)[:m] - np.eye(m + 2)[m] - self.shifts[0]
        distances: Array = np.einsum("ij,jk,ik->i", moved, self.products, moved)
        return distances

    def norms(self) -> Array:
        """Compute the squared distances of the groups' means from the background, without the block, [g]."""
        own, middle = self.shifts
        to_background = self.by_means[-1] + middle @ self.by_means
        to_background[self.group] += own @ (self.products[:, -1] + self.products @ middle)
        squares = self._squares()
        found: Array = (squares - 2 * to_background + squares[-1])[:-1]
        return found

    def _squares(self) -> Array:
        squares = self.squares.copy()
        for column, shift in zip((self.group, -1), self.shifts, strict=True):
            squares[column] += 2 * shift @ self.by_means[:, column] + shift @ self.products @ shift
        return squares

    def mean_products(self, columns: Array, before: Array) -> Array:
        """Compute the inner products of some means without the block.

        Args:
            columns: places of the means, int [k].
            before: their products under the old inverse, before the means moved, [k, k].

        Returns:
            [k, k], of the dtype of `before`.
        """
        removed = self.removed[:, columns]
        inner = before + removed.T @ self.gain.astype(before.dtype) @ removed
        last = self.by_means.shape[1] - 1
        moves = np.stack([columns == self.group, columns == last]).T @ self.shifts
        crossed = moves @ self.by_means[:, columns]
        now: Array = inner + crossed + crossed.T + moves @ self.products @ moves.T
        return now.astype(before.dtype)


def downdate(
    group: int, counts: tuple[int, int], inner: Array, by_means: Array, squares: Array, weight: float
) -> BlockDowndate:
    """Remove a block.

    Args:
        group: of its m pictures.
        counts: n and N, the pictures of the group and of all groups, the block included.
        inner: inner products of its pictures under P, [m, m].
        by_means: of its pictures, its group's mean and the background with all means, [m + 2, g + 1].
        squares: of every mean with itself, [g + 1].
        weight: w, of the scatter in what was inverted.

    Returns:
        The inner products without the block.
    """
    (n, total), m = counts, len(inner)
    ends = by_means[:, [group, -1]]
    products = np.block([[inner, ends[:m]], [ends[:m].T, ends[m:]]]).astype(np.float64)
    every = np.eye(m + 2)
    pictures, own, background = every[:m], every[m], every[m + 1]
    middle = pictures.mean(axis=0)
    u = np.vstack([pictures - own, m / np.sqrt(n - m) * (middle - own)])
    gain = np.zeros((m + 1, m + 1))
    if weight > 0:
        gain = np.linalg.inv(np.eye(m + 1) / weight - u @ products @ u.T)
    removed = u.astype(by_means.dtype) @ by_means
    gained = gain.astype(by_means.dtype) @ removed
    return BlockDowndate(
        group,
        products + products @ u.T @ gain @ u @ products,
        by_means + (products @ u.T).astype(by_means.dtype) @ gained,
        squares + np.sum(removed * gained, axis=0),
        removed,
        gain,
        np.stack([-m / (n - m) * (middle - own), -m / (total - m) * (middle - background)]),
    )
