"""What a user would see for held-out pictures: counts by class of named right, named wrong and unknown."""

from collections.abc import Iterable, Mapping

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.outcomes import Outcomes
from edge_tosca.quality.confusions import HeldOutConfusions
from edge_tosca.store.state import State

OUTCOMES_BY_CLASS = "outcomes_by_class"
"""Key of these counts in a generation's report."""

Counts = Mapping[str, tuple[int, int, int]]
"""Label to the numbers of pictures named right, named wrong and called unknown."""


def outcomes_by_class(
    state: State, held_out: HeldOut, unknown: Array, of: Array | None = None
) -> dict[str, tuple[int, int, int]]:
    """Count the outcomes of held-out pictures.

    Args:
        state: of the generation.
        held_out: held-out answers under it.
        unknown: whether each of them would be called unknown, bool [n].
        of: the pictures to count, bool [n]; all by default.

    Returns:
        The counts of the labels that have such pictures.
    """
    compared = HeldOutConfusions.of(state, held_out)
    counted = np.ones(len(unknown), bool) if of is None else of
    right = (compared.answers == compared.truth) & ~unknown
    found = {}
    for label in np.unique(compared.truth[counted]):
        own = counted & (compared.truth == label)
        named, refused = int(right[own].sum()), int(unknown[own].sum())
        found[state.labels[label]] = (named, int(own.sum()) - named - refused, refused)
    return found


def in_all(counts: Counts, labels: Iterable[str] | None = None) -> Outcomes | None:
    """Add up the counts of some classes.

    Args:
        counts: by label.
        labels: of the classes; those without counts are passed over. All by default.

    Returns:
        Their outcomes; None where there is no picture.
    """
    some = [counts[label] for label in (counts if labels is None else labels) if label in counts]
    right, wrong, unknown = (sum(column) for column in zip(*some, strict=True)) if some else (0, 0, 0)
    return Outcomes.of(right, wrong, unknown) if right + wrong + unknown else None


def kept_outcomes(report: Mapping[str, object]) -> dict[str, tuple[int, int, int]]:
    """Read the counts from a generation's report; nothing where an earlier version wrote it."""
    kept = report.get(OUTCOMES_BY_CLASS)
    if not isinstance(kept, Mapping):
        return {}
    return {
        str(label): (int(counts[0]), int(counts[1]), int(counts[2]))
        for label, counts in kept.items()
        if isinstance(counts, list | tuple) and len(counts) == 3
    }
