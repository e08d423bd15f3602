"""A ridge regression of class on features, asked about every picture as if it had been left out."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from edge_tosca.arrays import Array

PENALTY = 0.2
"""On features of unit length: strong, so that a wrong label bends the regression little."""


@dataclass(frozen=True)
class LeftOutRidge:
    """Ridge regressions on the same pictures under whatever labels.

    The hat matrix does not depend on the labels, so other labels cost one more product.

    Attributes:
        left: a factor of the hat matrix, float64 [n, r].
        right: the other one, float64 [r, n].
        leverage: diagonal of the hat matrix, float64 [n].
    """

    left: Array
    right: Array
    leverage: Array

    @classmethod
    def of(cls, z: Array) -> Self:
        """Prepare for some pictures.

        Args:
            z: conditioned features, [n, d].

        Returns:
            The regressions.
        """
        centred = (z - z.mean(axis=0)).astype(np.float64)
        n, d = centred.shape
        if n <= d:
            left = centred @ centred.T
            right = np.linalg.inv(left + PENALTY * np.eye(n))
        else:
            left = centred
            right = np.linalg.solve(centred.T @ centred + PENALTY * np.eye(d), centred.T)
        return cls(left, right, np.einsum("nr,rn->n", left, right))

    def margins(self, truth: Array) -> tuple[Array, Array]:
        """Regress class membership on features, and ask about every picture as if it had been left out.

        Out of the slopes only: the means of features and classes keep the picture, so that margins of a few
        pictures are somewhat larger than those of a regression fitted without it.

        Source: the hat-matrix identity, Hastie, Tibshirani, Friedman, "The Elements of Statistical
        Learning", 2nd edition, equation 7.64.

        Args:
            truth: class of each picture, int [n], from 0 on without gaps.

        Returns:
            How much stronger each picture's own class answers than the best other one, [n], and that other
            one, int [n].
        """
        targets = np.eye(int(truth.max()) + 1)[truth]
        targets -= targets.mean(axis=0)
        answers = self.left @ (self.right @ targets) - self.leverage[:, None] * targets
        answers /= np.maximum(1 - self.leverage, 1e-9)[:, None]
        every = np.arange(len(truth))
        own = answers[every, truth]
        answers[every, truth] = -np.inf
        return own - answers.max(axis=1), answers.argmax(axis=1)
