"""What changes when a block of pictures is left out, worked out on inner products instead of vectors.

Taking a block of m pictures (mean r) out of a group of n moves the group's mean from c to
c - m (r - c) / (n - m). The scatter is that around a centre a, which is c itself or the mean of all N
pictures of one label: taking the block out takes U'U from it, where the rows of U are the pictures less a
and, below them, m (r - a) / sqrt(N - m). The inverse follows by Woodbury's identity. All vectors that are
needed are mixtures of the block's pictures, the mean of their group, the background and the centre.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.luca import Array


@dataclass(frozen=True)
class WithoutBlock:
    """A block of m pictures, and inner products under the inverse that has not seen it.

    Attributes:
        group: of the block.
        products: of the pictures, the group's old mean, the old background and the old centre, float64
            [m + 3, m + 3].
        by_means: of the same with all old means, the background's last, [m + 3, g + 1].
        squares: of every old mean with itself, [g + 1].
        along: of what was taken from the scatter with all old means, under the old inverse, [m + 1, g + 1].
        gain: Woodbury's middle matrix, [m + 1, m + 1].
        shifts: by which mixtures the group's mean and the background moved, float64 [2, m + 3].
    """

    group: int
    products: Array
    by_means: Array
    squares: Array
    along: Array
    gain: Array
    shifts: Array

    @property
    def size(self) -> int:
        """Number of the pictures, m."""
        return len(self.gain) - 1

    def pictures(self) -> Array:
        """Inner products of the pictures with all means as they are now, [m, g + 1]."""
        moved = self.by_means[: self.size].copy()
        for column, shift in zip((self.group, -1), self.shifts, strict=True):
            moved[:, column] += self.products[: self.size] @ shift
        return moved

    def scores(self) -> Array:
        """Score the pictures for every group and, last, for the background, [m, g + 1]."""
        return self.pictures() - 0.5 * self._squares()

    def from_own_mean(self) -> Array:
        """Squared distances of the pictures from what is left of their group's mean, [m]."""
        every = np.eye(len(self.products))
        moved = every[: self.size] - every[self.size] - self.shifts[0]
        distances: Array = np.einsum("ij,jk,ik->i", moved, self.products, moved)
        return distances

    def norms(self) -> Array:
        """Squared distances of the groups' means, as they are now, from the background, [g]."""
        own, middle = self.shifts
        background = middle.copy()
        background[self.size + 1] += 1
        to_background = background @ self.by_means
        to_background[self.group] += own @ self.products @ background
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
    group: int,
    counts: tuple[int, int, int],
    inner: Array,
    by_means: Array,
    to_centre: Array,
    squares: Array,
    weight: float,
) -> WithoutBlock:
    """Leave a block out.

    Args:
        group: of its m pictures.
        counts: pictures of the group, of all groups with its centre, and of all groups, the block included.
        inner: inner products of its pictures under the inverse that has seen them, [m, m].
        by_means: of its pictures, its group's mean, the background and the centre with all means,
            [m + 3, g + 1].
        to_centre: of its pictures and, last, of the centre with the centre, [m + 1].
        squares: of every mean with itself, [g + 1].
        weight: of the scatter in what was inverted.

    Returns:
        What is left.
    """
    (n, sharing, total), m = counts, len(inner)
    products = np.empty((m + 3, m + 3))
    products[:m, :m] = inner
    products[:, m : m + 2] = by_means[:, [group, -1]]
    products[m : m + 2] = products[:, m : m + 2].T
    products[:m, m + 2] = products[m + 2, :m] = to_centre[:m]
    products[m + 2, m + 2] = to_centre[m]
    every = np.eye(m + 3)
    pictures, own, background, centre = every[:m], every[m], every[m + 1], every[m + 2]
    middle = pictures.mean(axis=0)
    removed = np.vstack([pictures - centre, m / np.sqrt(sharing - m) * (middle - centre)])
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
