"""An upper bound for the features: of many classifiers, the one with the best accuracy on the test pictures.

No method may choose like this: only an oracle knows the test pictures' classes. Where the bound is a point
above the router, no other weighing of the same features gains six. The method `oracle` of `edge-tosca bench
accuracy` is another one: the paper's modules with the true task given.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.accuracy import compare
from edge_tosca.bench.baselines import nearest_mean
from edge_tosca.bench.data import LabelledFeatures, protocol
from edge_tosca.bench.results import Comparison
from edge_tosca.bench.table import as_table, mean_and_spread
from edge_tosca.classifier.lda.discriminant import precision
from edge_tosca.classifier.lda.mean_shrinkage import Prior
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.features.normalization import normalize
from edge_tosca.vision.feature_extractor import FeatureExtractor

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


@dataclass(frozen=True)
class Bound:
    """The bound on one protocol, beside the learner's router alone.

    Attributes:
        data: name of the set.
        task_size: classes a task; the bound does not depend on it.
        shots: training pictures a class; None for all.
        seed: of the order and the pictures.
        router: accuracy of the router without modules.
        best: accuracy of the best classifier, chosen on the test pictures.
    """

    data: str
    task_size: int
    shots: int | None
    seed: int
    router: float
    best: float


def measure(
    sets: Sequence[LabelledFeatures],
    vision: FeatureExtractor,
    task_sizes: Sequence[int],
    shots: Sequence[int | None],
    seeds: int,
    on_step: Callable[[str], None],
) -> list[Bound]:
    """Compute the bound of every protocol, and the accuracy of the router alone.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        task_sizes: classes a task.
        shots: training pictures a class.
        seeds: orders and draws of pictures.
        on_step: called with what is done next.

    Returns:
        A bound a protocol.
    """
    *_, found = compare(sets, vision, task_sizes, shots, seeds, ["router"], on_step, Comparison({}))
    data_by_name = {data.name: data for data in sets}
    best: dict[tuple[str, int | None, int], float] = {}
    bounds = []
    for result in found.results:
        draw = result.data, result.shots, result.seed
        if draw not in best:
            on_step(f"{result.data}: the best of all, {result.shots or 'all'} pictures, seed {result.seed}")
            drawn = protocol(data_by_name[result.data], result.task_size, result.shots, result.seed)
            answers = best_on_test_pictures(drawn.groups, drawn.test, drawn.truth)
            best[draw] = float(np.mean(answers == drawn.truth))
        bounds.append(
            Bound(result.data, result.task_size, result.shots, result.seed, result.last, best[draw])
        )
    return bounds


def markdown(bounds: Sequence[Bound]) -> str:
    """Lay out the bounds, a row a protocol.

    Args:
        bounds: of `measure`.

    Returns:
        Markdown.
    """
    rows = []
    for cell in dict.fromkeys((bound.data, bound.task_size, bound.shots) for bound in bounds):
        some = [bound for bound in bounds if (bound.data, bound.task_size, bound.shots) == cell]
        name, size, shots = cell
        router = mean_and_spread(100 * bound.router for bound in some)
        best = mean_and_spread(100 * bound.best for bound in some)
        rows.append([name, str(size), str(shots or "all"), router, best])
    header = ["set", "classes a task", "pictures per class", "router alone"]
    return (
        "Accuracy in percent over all classes, one picture at a time.\n\n"
        + as_table([*header, "best of 61 on the test pictures"], rows)
        + "\n"
    )


def best_on_test_pictures(groups: Sequence[Array], test: Array, truth: Array) -> Array:
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
            means = inverse.project(deviations * Prior(kappa, 0.0).mean_weights(counts)[:, None])
            yield (inverse.inner_products(z, means) - inverse.paired_products(means, means) / 2).argmax(
                axis=1
            )


def _kernels(groups: Sequence[Array], test: Array) -> Iterator[Array]:
    """Gaussian kernel ridge regressions, every class of the same weight."""
    counts = np.array([len(rows) for rows in groups])
    labels = np.repeat(np.arange(len(groups)), counts)
    targets = np.eye(len(groups))[labels] - 1 / len(groups)
    z = np.concatenate([normalize(rows) for rows in groups]).astype(np.float64)
    statistics = statistics_of([normalize(rows) for rows in groups])
    for shrinkage in KERNEL_SHRINKAGES:
        inverse = precision(statistics.within(), len(z), shrinkage)
        known, queries = inverse.project(z), inverse.project(normalize(test))
        norms = inverse.paired_products(known, known)
        apart = norms[:, None] + norms - 2 * inverse.inner_products(known, known)
        from_known = (
            inverse.paired_products(queries, queries)[:, None]
            + norms
            - 2 * inverse.inner_products(queries, known)
        )
        median = np.median(apart)
        for width in WIDTHS:
            kernel, cross = np.exp(-width * apart / median), np.exp(-width * from_known / median)
            for penalty in PENALTIES:
                ridge = np.diag(penalty * counts[labels] / counts.mean())
                yield (cross @ np.linalg.solve(kernel + ridge, targets)).argmax(axis=1)
