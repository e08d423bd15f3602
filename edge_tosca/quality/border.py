"""Find classes of a lesson that are distinguished by the border of their pictures, not by the middle.

Objects are shown in the middle. Where every class of a lesson is shown in a place of its own, the places
distinguish the classes better than the objects do, and the learner knows the background. For a class, with
the last feature map summed over border, middle and the area between (`edge_tosca.features.areas`):

    s = S + 2 (m_border - m_middle)

S is the border's share of the evidence that speaks for the class, averaged over its pictures: channel c's
part of the score, divided among the areas as the channel is, without areas that speak against it. The margin
m of an area is the mean, over pictures, of the cosine to the mean of the class's other pictures above that to
the nearest other class of the lesson, with the square roots of the area's averages as features. docs/gate.md
has the measurement.
"""

from collections.abc import Mapping

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.features.areas import BORDER, MIDDLE

FROM = 0.5
"""s from which the gate gives advice."""

MARGIN_WEIGHT = 2.0

FEWEST_PICTURES = 3
"""Of a class; a mean of the others is made of two at least."""

PICTURES = 5
"""Of a class whose areas are looked at."""


def classes_at_border(scores: Mapping[str, float]) -> list[str]:
    """Find the classes that their borders distinguish.

    Args:
        scores: label to s.

    Returns:
        Their labels, the clearest first.
    """
    return sorted(
        (label for label, score in scores.items() if score >= FROM), key=lambda label: -scores[label]
    )


def border_scores(areas: Mapping[str, Array], parts: Mapping[str, Array]) -> dict[str, float]:
    """Compute s for each class of a lesson.

    Args:
        areas: label to sums of the map by area, float32 [n, 3, c], of every class of the lesson.
        parts: label to the parts of the class's score by channel, v_c z_c, [n, c].

    Returns:
        Label to s; empty for a lesson of one class or of too few pictures.
    """
    if len(areas) < 2 or min(len(rows) for rows in areas.values()) < FEWEST_PICTURES:
        return {}
    border, middle = (
        _margins({label: rows[:, area] for label, rows in areas.items()}) for area in (BORDER, MIDDLE)
    )
    return {
        label: _border_share(rows, parts[label]) + MARGIN_WEIGHT * (border[label] - middle[label])
        for label, rows in areas.items()
    }


def _border_share(areas: Array, parts: Array) -> float:
    sums = areas.sum(axis=1, keepdims=True)
    shares = np.divide(areas, sums, out=np.zeros(areas.shape), where=np.abs(sums) > 0)
    evidence = np.maximum(np.einsum("nac,nc->na", shares, parts), 0)
    total = np.maximum(evidence.sum(axis=1), np.finfo(np.float64).tiny)
    return float(np.mean(evidence[:, BORDER] / total))


def _margins(by_label: Mapping[str, Array]) -> dict[str, float]:
    z = {label: _unit(np.sqrt(np.maximum(rows, 0).astype(np.float64))) for label, rows in by_label.items()}
    sums = {label: rows.sum(axis=0) for label, rows in z.items()}
    margins = {}
    for label, rows in z.items():
        own = np.sum(rows * _unit(sums[label] - rows), axis=1)
        others = np.stack([_unit(other) for name, other in sums.items() if name != label])
        margins[label] = float(np.mean(own - (rows @ others.T).max(axis=1)))
    return margins


def _unit(rows: Array) -> Array:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Array = rows / np.where(lengths > 0, lengths, 1.0)
    return unit
