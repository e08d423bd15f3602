"""What changes when a block of pictures is left out, worked out on inner products instead of vectors.

Taking a block of m pictures out of a group of n (mean c, the block's residuals R with mean r) leaves the
group's mean at c - m r / (n - m), and takes U'U from the within scatter, where U is R with the row
m r / sqrt(n - m) below it. The inverse follows by Woodbury's identity. All vectors that are needed are
mixtures of the block's pictures, the mean of their group and the background.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array


@dataclass(frozen=True)
class WithoutBlock:
    """A block of m pictures, and inner products under the inverse that has not seen it.

    Attributes:
        group: of the block.
        products: of the pictures, the group's old mean and the old background, float64 [m + 2, m + 2].
        by_means: of the same with all old means, the background's last, [m + 2, g + 1].
        squares: of every old mean with itself, [g + 1].
        along: of what was taken from the scatter with all old means, under the old inverse, [m + 1, g + 1].
        gain: Woodbury's middle matrix, [m + 1, m + 1].
        shifts: by which mixtures the group's mean and the background moved, float64 [2, m + 2].
    """

    group: int
    products: Array
    by_means: Array
    squares: Array
    along: Array
    gain: Array
    shifts: Array

    def pictures(self) -> Array:
        """Inner products of the pictures with all means as they are now, [m, g + 1]."""
        m = len(self.by_means) - 2
        moved = self.by_means[:m].copy()
        for column, shift in zip((self.group, -1), self.shifts, strict=True):
            moved[:, column] += self.products[:m] @ shift
        return moved

    def scores(self) -> Array:
        """Score the pictures for every group and, last, for the background, [m, g + 1]."""
        return self.pictures() - 0.5 * self._squares()

    def from_own_mean(self) -> Array:
        """Squared distances of the pictures from what is left of their group's mean, [m]."""
        m = len(self.by_means) - 2
        moved = np.eye(m + 2)[:m] - np.eye(m + 2)[m] - self.shifts[0]
        distances: Array = np.einsum("ij,jk,ik->i", moved, self.products, moved)
        return distances

    def norms(self) -> Array:
        """Squared distances of the groups' means, as they are now, from the background, [g]."""
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

    def means(self, columns: Array, seen: Array) -> Array:
        """Inner products of some means as they are now.

        Args:
            columns: their places, int [k].
            seen: the same under the old inverse, before anything moved, [k, k].

        Returns:
            [k, k], in the precision of `seen`.
        """
        taken = self.along[:, columns]
        inner = seen + taken.T @ self.gain.astype(seen.dtype) @ taken
        last = self.by_means.shape[1] - 1
        moves = np.stack([columns == self.group, columns == last]).T @ self.shifts
        crossed = moves @ self.by_means[:, columns]
        now: Array = inner + crossed + crossed.T + moves @ self.products @ moves.T
        return now.astype(seen.dtype)


def without_block(
    group: int, counts: tuple[int, int], inner: Array, by_means: Array, squares: Array, weight: float
) -> WithoutBlock:
    """Leave a block out.

    Args:
        group: of its m pictures.
        counts: pictures of the group and of all groups, the block included.
        inner: inner products of its pictures under the inverse that has seen them, [m, m].
        by_means: of its pictures, its group's mean and the background with all means, [m + 2, g + 1].
        squares: of every mean with itself, [g + 1].
        weight: of the scatter in what was inverted.

    Returns:
        What is left.
    """
    (n, total), m = counts, len(inner)
    ends = by_means[:, [group, -1]]
    products = np.block([[inner, ends[:m]], [ends[:m].T, ends[m:]]]).astype(np.float64)
    every = np.eye(m + 2)
    pictures, own, background = every[:m], every[m], every[m + 1]
    middle = pictures.mean(axis=0)
    removed = np.vstack([pictures - own, m / np.sqrt(n - m) * (middle - own)])
    gain = np.zeros((m + 1, m + 1))
    if weight > 0:
        gain = np.linalg.inv(np.eye(m + 1) / weight - removed @ products @ removed.T)
    along = removed.astype(by_means.dtype) @ by_means
    gained = gain.astype(by_means.dtype) @ along
    return WithoutBlock(
        group,
        products + products @ removed.T @ gain @ removed @ products,
        by_means + (products @ removed.T).astype(by_means.dtype) @ gained,
        squares + np.sum(along * gained, axis=0),
        along,
        gain,
        np.stack([-m / (n - m) * (middle - own), -m / (total - m) * (middle - background)]),
    )
