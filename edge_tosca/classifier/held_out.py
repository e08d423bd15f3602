"""Answers to cached pictures that were held out."""

from dataclasses import dataclass

from edge_tosca.arrays import Array


@dataclass(frozen=True)
class HeldOut:
    """Answers to cached pictures, each computed as if its block of neighbours had not been seen.

    Attributes:
        groups: true group of each, int [n].
        rows: each picture's place in its group, int [n].
        posterior: probabilities of the labels, [n, labels].
        ood_statistics: float64 [n, 3]; see `edge_tosca.classifier.ood.detector`.
    """

    groups: Array
    rows: Array
    posterior: Array
    ood_statistics: Array
