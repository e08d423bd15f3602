"""A ridge regression of class on features, asked about every picture as if it had been left out."""

import numpy as np

from edge_tosca.luca import Array

PENALTY = 0.3
"""On features of unit length: strong, so that a wrong label bends the regression little."""


def left_out_margins(z: Array, truth: Array) -> tuple[Array, Array]:
    """Regress class membership on features, and ask it about every picture as if it had been left out.

    Source: the hat-matrix identity, Hastie, Tibshirani, Friedman, "The Elements of Statistical
    Learning", 2nd edition, equation 7.64.

    Args:
        z: conditioned features, [n, d].
        truth: class of each, int [n], from 0 on without gaps.

    Returns:
        How much stronger each picture's own class answers than the best other one, [n], and that other one,
        int [n].
    """
    centred = (z - z.mean(axis=0)).astype(np.float64)
    targets = np.eye(int(truth.max()) + 1)[truth]
    targets -= targets.mean(axis=0)
    n, d = centred.shape
    if n <= d:
        hat = centred @ centred.T
        hat = np.linalg.solve(hat + PENALTY * np.eye(n), hat)
        fitted, leverage = hat.T @ targets, np.diag(hat)
    else:
        solved = np.linalg.solve(centred.T @ centred + PENALTY * np.eye(d), centred.T)
        fitted, leverage = centred @ (solved @ targets), np.einsum("nd,dn->n", centred, solved)
    answers = (fitted - leverage[:, None] * targets) / np.maximum(1 - leverage, 1e-9)[:, None]
    every = np.arange(n)
    own = answers[every, truth]
    answers[every, truth] = -np.inf
    return own - answers.max(axis=1), answers.argmax(axis=1)
