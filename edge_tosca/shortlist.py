"""Find the few groups that can matter for a picture without reading every group's weights.

With g groups of d numbers an answer would read g d numbers from memory, which takes longer than to compute
with them. Scores of different groups go together, so a few sums of the picture's numbers foretell all of
them: with V the leading eigenvectors of the groups' inner products, W their weights and J what takes means
away, J s is about V (V'W) z. The groups with the highest of these coarse scores are scored exactly; the
others' coarse scores only enter the sum that probabilities are divided by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.luca import Array
from edge_tosca.posterior import log_softmax

FEWEST = 256
"""Groups from which a shortlist is looked for: fewer are scored as fast without."""

LADDER = ((32, 64), (32, 128), (64, 64), (64, 128), (128, 64), (128, 128))
"""Sums of a picture and groups scored exactly, the cheapest first; the first that is good enough is kept."""

OTHERWISE = 0.005
"""Share of left-out pictures that a shortlist may answer otherwise than all groups' exact scores do."""

TOLERANCE = 0.05
"""Difference of the best group's probability from which an answer is another one."""

JUDGES = 500
"""About how many left-out pictures choose."""

_ROUNDS = 2


@dataclass(frozen=True)
class Shortlist:
    """What coarse scores are made from.

    Attributes:
        basis: takes a picture to its few sums, float32 [r, d].
        coordinates: what each sum says of each group, float32 [g, r].
        lift: added to the coarse scores of groups that are not on the list: of a score that is known up to an
            error, the exponential's mean is larger than the mean's exponential.
        length: groups that are scored exactly.
    """

    basis: Array
    coordinates: Array
    lift: float
    length: int

    def coarse(self, z: Array, bias: Array) -> Array:
        """Foretell the scores of all groups.

        Args:
            z: one conditioned feature, float32 [d].
            bias: of the groups' exact scores, float32 [g].

        Returns:
            float32 [g].
        """
        foretold: Array = self.coordinates @ (self.basis @ z)
        foretold += bias
        return foretold

    def foremost(self, scores: Array) -> Array:
        """Find the groups with the highest scores.

        Args:
            scores: of all groups, [g].

        Returns:
            Indices in increasing order, int [length].
        """
        rest = len(scores) - self.length
        places = np.argpartition(scores, rest)[rest:]
        places.sort()
        return places

    def to_arrays(self) -> dict[str, Array]:
        """Give everything as arrays, for the store."""
        return {
            "shortlist_basis": self.basis,
            "shortlist_coordinates": self.coordinates,
            "shortlist_scalars": np.array([self.lift, self.length], np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], groups: int, dimensions: int) -> "Shortlist | None":
        """Read what `to_arrays` gave.

        Args:
            arrays: from the store.
            groups: that are scored.
            dimensions: of a feature.

        Returns:
            The shortlist; None where none is kept.

        Raises:
            KeyError: an array is missing.
            ValueError: an array does not fit.
        """
        if "shortlist_basis" not in arrays:
            return None
        basis, coordinates = arrays["shortlist_basis"], arrays["shortlist_coordinates"]
        lift, length = (float(value) for value in arrays["shortlist_scalars"])
        fits = basis.shape == (len(basis), dimensions) and coordinates.shape == (groups, len(basis))
        if not fits or not np.isfinite(lift) or not 1 <= length <= groups:
            raise ValueError("the shortlist does not fit")
        if not (np.isfinite(basis).all() and np.isfinite(coordinates).all()):
            raise ValueError("the shortlist has no numbers")
        return cls(basis, coordinates, lift, int(length))


def fit_shortlist(
    weights: Array,
    bias: Array,
    means: Array,
    scores: Array,
    temperature: float,
    fewest: int = FEWEST,
    ladder: Sequence[tuple[int, int]] = LADDER,
) -> Shortlist | None:
    """Find the cheapest shortlist that would have answered left-out pictures as all exact scores did.

    Args:
        weights: of the groups' exact scores, float32 [g, d].
        bias: of them, float32 [g].
        means: of the groups' features, [g, d].
        scores: exact ones of left-out pictures, [n, g].
        temperature: factor on scores.
        fewest: groups from which one is looked for.
        ladder: sums and groups on the list to choose from, the cheapest first.

    Returns:
        The shortlist; None where there are few groups, or no shortlist is good enough.
    """
    groups, d = weights.shape
    rungs = [(rank, length) for rank, length in ladder if 2 * rank <= min(groups, d) and 2 * length <= groups]
    if groups < fewest or not rungs or len(scores) == 0:
        return None
    exact = scores[:: -(-len(scores) // JUDGES)].astype(np.float32, copy=False)
    directions = _leading(weights, means.astype(np.float32, copy=False), rungs[-1][0] - 1)
    middle = np.full((groups, 1), groups**-0.5, np.float32)

    def tried(rank: int, length: int) -> tuple[Array, float] | None:
        coordinates = np.hstack([middle, directions[:, : rank - 1]])
        coarse = (exact - bias) @ coordinates @ coordinates.T + bias
        lift = 0.5 * temperature * float(np.mean((exact - coarse) ** 2))
        otherwise = _otherwise(exact, coarse, lift, temperature, length)
        return (coordinates, lift) if otherwise <= OTHERWISE * len(exact) else None

    # Where the dearest is not good enough none is, and most of the time is spared.
    if tried(*rungs[-1]) is None:
        return None
    for rank, length in rungs:
        found = tried(rank, length)
        if found is not None:
            coordinates, lift = found
            return Shortlist(np.ascontiguousarray(coordinates.T @ weights), coordinates, lift, length)
    return None


def _leading(weights: Array, means: Array, count: int) -> Array:
    """Give directions near the leading eigenvectors of J W M' J, M being the means, float32 [g, count].

    A picture's scores spread around those of its group's mean with the covariance W M', the groups' inner
    products under the inverse covariance, and those of the means have the same eigenvectors. By orthogonal
    iteration: the first columns are what fewer columns alone would become.
    """
    block = np.random.default_rng(0).normal(size=(len(weights), count)).astype(np.float32)
    for _ in range(_ROUNDS):
        block -= block.mean(axis=0)
        block = weights @ (means.T @ block)
        block -= block.mean(axis=0)
        block = np.linalg.qr(block)[0]
    return block


def _otherwise(exact: Array, coarse: Array, lift: float, temperature: float, length: int) -> int:
    """Count the pictures that the shortlist answers otherwise."""
    best, every = exact.argmax(axis=1), np.arange(len(exact))
    listed = np.argpartition(-coarse, length - 1, axis=1)[:, :length]
    mixed = coarse + np.float32(lift)
    np.put_along_axis(mixed, listed, np.take_along_axis(exact, listed, axis=1), axis=1)
    others = (listed != best[:, None]).all(axis=1)
    whole, near = (np.exp(log_softmax(temperature * scores)[every, best]) for scores in (exact, mixed))
    return int((others | (np.abs(whole - near) > TOLERANCE)).sum())
