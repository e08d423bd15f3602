"""Answers to cached pictures that were held out."""

from dataclasses import dataclass

from edge_tosca.arrays import Array


@dataclass(frozen=True)
class LeftOut:
    """What the learner would have said of cached pictures it had not seen.

    Attributes:
        groups: true group of each, int [n].
        rows: each picture's place in its group, int [n].
        posterior: probabilities of the labels, [n, labels].
        signs: of familiarity, float64 [n, 3].
    """

    groups: Array
    rows: Array
    posterior: Array
    signs: Array
