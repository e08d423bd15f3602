"""The router's answers to held-out pictures."""

from dataclasses import dataclass

from edge_tosca.arrays import Array


@dataclass(frozen=True)
class HeldOut:
    """Answers to held-out cached pictures, each computed without its block of neighbours.

    Attributes:
        groups: true group of each picture, int [n].
        rows: place of each picture in its group, int [n].
        posterior: probabilities of the labels, [n, labels].
        ood_statistics: float64 [n, 3]; see `edge_tosca.classifier.ood.detector`.
        none: whether none pictures explain each picture better than any class, bool [n]; None where there are
            none pictures.
    """

    groups: Array
    rows: Array
    posterior: Array
    ood_statistics: Array
    none: Array | None = None
