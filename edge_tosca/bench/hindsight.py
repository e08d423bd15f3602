"""What the features hold at best: many classifiers, and the test pictures themselves choose among them.

No method may choose like this. It is an upper bound: where it is a point away, no other weighing of the same
features will give six.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.baselines import nearest_mean
from edge_tosca.classifier.lda.discriminant import precision
from edge_tosca.classifier.lda.mean_shrinkage import Prior
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.features.normalization import normalize

SHRINKAGES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
"""Of the covariance within classes."""

KAPPAS = (0.0, 4.0, 16.0)
"""Pictures that the background weighs in the mean of a class."""

KERNEL_SHRINKAGES = (0.2, 0.4, 1.0)
"""Of the covariance that whitens before a kernel; 1 leaves the features as they are."""

WIDTHS = (0.5, 1.0, 2.0, 4.0)
"""Median squared distance of two pictures over the kernel's squared width."""

PENALTIES = (0.01, 0.1, 1.0)
"""Of the kernel ridge regression."""


def best_in_hindsight(groups: Sequence[Array], test: Array, truth: Array) -> Array:
    """Answer with whichever classifier is right most often on these very pictures.

    Args:
        groups: training features of each class, [n_c, d].
        test: features, [m, d].
        truth: index of each test picture's class, int [m].

    Returns:
        Index of a class, int [m].
    """
    candidates = (*_linear(groups, test), *_kernels(groups, test), nearest_mean(groups, test))
    return max(candidates, key=lambda answers: int((answers == truth).sum()))


def _linear(groups: Sequence[Array], test: Array) -> Iterator[Array]:
    """Discriminants with every shrinkage of the covariance and of the means."""
    statistics = statistics_of([normalize(rows) for rows in groups])
    counts, within = statistics.counts, statistics.within()
    background = statistics.sums.sum(axis=0) / counts.sum()
    deviations = statistics.sums / counts[:, None] - background
    for shrinkage in SHRINKAGES:
        inverse = precision(within, int(counts.sum()), shrinkage)
        z = inverse.project(normalize(test) - background)
        for kappa in KAPPAS:
            means = inverse.project(deviations * Prior(kappa, 0.0).worth(counts)[:, None])
            yield (inverse.between(z, means) - inverse.along(means, means) / 2).argmax(axis=1)


def _kernels(groups: Sequence[Array], test: Array) -> Iterator[Array]:
    """Gaussian kernel ridge regressions, every class of the same weight."""
    counts = np.array([len(rows) for rows in groups])
    labels = np.repeat(np.arange(len(groups)), counts)
    targets = np.eye(len(groups))[labels] - 1 / len(groups)
    z = np.concatenate([normalize(rows) for rows in groups]).astype(np.float64)
    statistics = statistics_of([normalize(rows) for rows in groups])
    for shrinkage in KERNEL_SHRINKAGES:
        inverse = precision(statistics.within(), len(z), shrinkage)
        known, asked = inverse.project(z), inverse.project(normalize(test))
        norms = inverse.along(known, known)
        apart = norms[:, None] + norms - 2 * inverse.between(known, known)
        from_known = inverse.along(asked, asked)[:, None] + norms - 2 * inverse.between(asked, known)
        median = np.median(apart)
        for width in WIDTHS:
            kernel, cross = np.exp(-width * apart / median), np.exp(-width * from_known / median)
            for penalty in PENALTIES:
                ridge = np.diag(penalty * counts[labels] / counts.mean())
                yield (cross @ np.linalg.solve(kernel + ridge, targets)).argmax(axis=1)
