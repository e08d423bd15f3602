"""Ridge regression of class membership on features, with leave-one-out responses in closed form.

Source: the hat-matrix identity, Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 2nd
edition, equation 7.64.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.cholesky_scatter import CholeskyInverse
from edge_tosca.classifier.lda.upper_half import UpperHalf

PENALTY = 0.2
"""On features of unit length: strong, so that a wrong label bends the regression little."""


@dataclass(frozen=True)
class LeaveOneOutRidge:
    """Ridge regressions on the same pictures, for any labels.

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
        """Factorise the hat matrix of some pictures.

        Args:
            z: normalised features, [n, d].

        Returns:
            The regressions.
        """
        centred = (z - z.mean(axis=0)).astype(np.float64)
        n, d = centred.shape
        if n <= d:
            left = centred @ centred.T
            right = np.linalg.inv(left + PENALTY * np.eye(n))
        else:
            matrix = UpperHalf.zeros(d)
            matrix.add_products(centred)
            matrix.add_to_diagonal(PENALTY)
            left = CholeskyInverse.of(matrix).project(centred).coordinates
            right = left.T
        return cls(left, right, np.einsum("nr,rn->n", left, right))

    def margins(self, truth: Array) -> tuple[Array, Array]:
        """Compute the leave-one-out margin of every picture.

        A picture is held out of the slopes only. The means of features and classes keep it, so that the
        margins of a few pictures are slightly larger than those of a regression fitted without it.

        Args:
            truth: class of each picture, int [n], from 0 on without gaps.

        Returns:
            The response of each picture's own class minus the largest other response, float64 [n], and the
            class of that other response, int [n].
        """
        targets = np.eye(int(truth.max()) + 1)[truth]
        targets -= targets.mean(axis=0)
        responses = self.left @ (self.right @ targets) - self.leverage[:, None] * targets
        responses /= np.maximum(1 - self.leverage, 1e-9)[:, None]
        every = np.arange(len(truth))
        own = responses[every, truth]
        responses[every, truth] = -np.inf
        return own - responses.max(axis=1), responses.argmax(axis=1)
