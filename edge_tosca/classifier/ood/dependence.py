"""How much the pictures of a lesson vouch for each other.

Twenty frames of one object are one look at it, not twenty, and held-out ones understate how a class varies.
Two signs of it can be measured inside a class:

- serial correlation b = (r1 - r2) / (1 - r2), with r1 the mean cosine of neighbours and r2 that of pictures
  at least half a class apart: in a burst neighbours are more alike;
- clustering 1 - c, with c the mean squared distance to the nearest picture over the same in a sample that has
  the same scatter and no clusters: the pictures mixed by random rotations, which keep mean and covariance. It
  does not depend on the order.

`edge_tosca.classifier.ood.reference_threshold` turns them into a share; docs/unknowns.md has the measurement.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.features.sampling import evenly

CLASSES = 64
"""Groups that are measured, at most; spread evenly."""

CLUSTER_SAMPLE = 20
"""Pictures of a class that are compared at a time: among more of them nearest ones are nearer, and classes of
different sizes could not be compared."""

FEWEST_CLUSTERED = 6
"""Pictures of a class from which on clusters can be measured."""

_SAMPLES = 4
_ROTATIONS = 2
_FLOOR = 1e-9


@dataclass(frozen=True)
class Dependence:
    """Means over the classes of a learner.

    Attributes:
        serial: cubed serial correlation, in 0 .. 1.
        clustering: about 0 for pictures without clusters, and below 1.
    """

    serial: float
    clustering: float


INDEPENDENT = Dependence(0.0, 0.0)


def measure_dependence(groups: int, cached: Callable[[int], Array]) -> Dependence:
    """Measure the dependence of the pictures inside each class.

    Args:
        groups: number of groups.
        cached: normalised features of a group by its index, float32 [n, d].

    Returns:
        Means over the groups of at least two pictures, or of FEWEST_CLUSTERED; 0 where there is none.
    """
    serial, clustered = [], []
    for group in evenly(groups, CLASSES).tolist():
        z = cached(group)
        if len(z) > 1:
            serial.append(max(serial_correlation(z), 0.0) ** 3)
        if len(z) >= FEWEST_CLUSTERED:
            clustered.append(clustering(z))
    return Dependence(_mean(serial), _mean(clustered))


def serial_correlation(z: Array) -> float:
    """Compute b of pictures in the order in which they were taken.

    Args:
        z: normalised features of a class, [n, d], n > 1.

    Returns:
        About 0 for an order without meaning, up to 1 for slow bursts; 0 for copies of one picture.
    """
    rows = _unit(z)
    apart = (len(rows) + 1) // 2
    neighbours = float(np.einsum("nd,nd->n", rows[1:], rows[:-1]).mean())
    # The sum over all later pictures by one sum a row.
    later = np.cumsum(rows[::-1], axis=0)[::-1]
    pairs = (len(rows) - apart) * (len(rows) - apart + 1) // 2
    far = float(np.einsum("nd,nd->", rows[: len(rows) - apart], later[apart:])) / pairs
    return 0.0 if far >= 1 - _FLOOR else (neighbours - far) / (1 - far)


def clustering(z: Array) -> float:
    """Compute 1 - c.

    Args:
        z: normalised features of a class, [n, d], n >= FEWEST_CLUSTERED.

    Returns:
        The mean over even samples of about CLUSTER_SAMPLE pictures.
    """
    step = max(1, len(z) // CLUSTER_SAMPLE)
    return _mean(_clustering(z[start::step]) for start in evenly(step, _SAMPLES).tolist())


def _clustering(z: Array) -> float:
    rows = z.astype(np.float64)
    rows -= rows.mean(axis=0)
    products = rows @ rows.T
    mixed = [_nearest_share(turn @ products @ turn.T) for turn in _rotations(len(rows))]
    return 1 - _nearest_share(products) / max(_mean(mixed), _FLOOR)


def _nearest_share(products: Array) -> float:
    """Divide the mean squared distance to the nearest row by that of all pairs."""
    squares = products.diagonal()
    distances = squares + squares[:, None] - 2 * products
    mean = float(distances.sum()) / (len(products) * (len(products) - 1))
    np.fill_diagonal(distances, np.inf)
    return float(distances.min(axis=1).mean()) / mean if mean > _FLOOR else 1.0


@cache
def _rotations(count: int) -> tuple[Array, ...]:
    """Make rotations of rows that keep their mean, float64 [count, count]."""
    columns = np.column_stack([np.ones(count), np.eye(count)[:, :-1]])
    basis = np.linalg.qr(columns)[0][:, 1:]
    found = []
    for seed in range(_ROTATIONS):
        turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(count - 1, count - 1)))[0]
        found.append(basis @ turn @ basis.T)
    return tuple(found)


def _unit(z: Array) -> Array:
    rows = z.astype(np.float64)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    unit: Array = rows / np.maximum(lengths, _FLOOR)[:, None]
    return unit


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return float(np.mean(every)) if every else 0.0
