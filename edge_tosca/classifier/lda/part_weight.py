"""Choose the weight of a feature's further parts by the log-loss of held-out pictures.

The first candidate is kept, unless another has a loss that is lower by more than one standard error of the
paired difference (Breiman and others, "Classification and Regression Trees", 1984, section 3.4.3).
docs/backbones.md has the accuracy under this rule and others.

All sums stay those of the unweighted parts, which are exact; the weight only scales their columns. So it
depends on the cached features alone, and neither on the order of lessons nor on what was forgotten.
"""

from collections.abc import Callable, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.blocked_folds import choose_blocks
from edge_tosca.classifier.lda.discriminant import oas_shrinkage, precision
from edge_tosca.classifier.lda.leave_block_out import LeaveBlockOut, scores_dtype
from edge_tosca.classifier.lda.shrinkage_selection import SHRINKAGE_ODDS, held_out_losses
from edge_tosca.classifier.lda.statistics import RowStatistics
from edge_tosca.features.part_weights import PART_WEIGHTS, weigh
from edge_tosca.features.sampling import evenly

PICTURES = 500
"""About how many pictures choose; their eigenvectors are computed once for each candidate."""

HELD_OUT = 250
"""About how many of them are held out."""

FEWEST_PICTURES = 6
"""Of a class, where there are so many classes that not all of their pictures can choose."""

STANDARD_ERRORS = 1.0


def choose_part_weight(
    counts: Array,
    cached: Callable[[int], Array],
    label_of_group: Array,
    widths: Sequence[int],
    candidates: Sequence[float] = PART_WEIGHTS,
) -> float:
    """Choose the weight.

    Args:
        counts: pictures of each group, int [g].
        cached: normalised features of a group by its index, float32 [n, d].
        label_of_group: index of each group's label, int [g].
        widths: of the parts.
        candidates: the one that is kept in doubt first.

    Returns:
        One of the candidates.
    """
    sample, labels = _sample(counts, cached, label_of_group)
    weight = candidates[0]
    if len(sample) < 2:
        return weight
    losses = _losses(sample, labels, widths, weight)
    for other in candidates[1:]:
        others = _losses(sample, labels, widths, other)
        gain = losses - others
        if len(gain) and gain.mean() > STANDARD_ERRORS * gain.std() / np.sqrt(len(gain)):
            weight, losses = other, others
    return weight


def _sample(
    counts: Array, cached: Callable[[int], Array], label_of_group: Array
) -> tuple[list[Array], Array]:
    """Take groups evenly, and of each so many pictures that there are about PICTURES."""
    useful = np.flatnonzero(counts > 1)
    most = max(2, PICTURES // FEWEST_PICTURES)
    # As many groups as have room with all their pictures, but not fewer than fit with a few of each.
    whole = int(PICTURES // max(1.0, float(counts[useful].mean()))) if len(useful) else 0
    chosen = useful[evenly(len(useful), min(most, max(whole, 20)))]
    each = max(FEWEST_PICTURES, PICTURES // max(1, len(chosen)))
    rows = [cached(group)[evenly(int(counts[group]), each)] for group in chosen.tolist()]
    return rows, label_of_group[chosen]


def _losses(groups: Sequence[Array], labels: Array, widths: Sequence[int], weight: float) -> Array:
    statistics = RowStatistics(tuple(weigh(rows, widths, weight) for rows in groups))
    counts, sums = statistics.counts, statistics.sums
    blocks = choose_blocks(counts, int(counts.sum()))
    z = np.concatenate([statistics.groups[block.group][block.rows] for block in blocks])
    dtype = scores_dtype(counts, sums.shape[1])
    held_out = LeaveBlockOut.of(z, blocks, sums, counts, dtype)
    within, n = statistics.within(), int(counts.sum())
    base = oas_shrinkage(within, n)
    shrinkage = SHRINKAGE_ODDS[0] * base / (1 - base + SHRINKAGE_ODDS[0] * base)
    inverse = precision(within, n, shrinkage, dtype)
    some = held_out.subsample(HELD_OUT)
    truth = labels[some.groups][:, None] == labels
    means = inverse.project(held_out.means, dtype)
    return held_out_losses(some, inverse, means, shrinkage, truth)[0]
