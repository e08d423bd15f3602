"""Which of the pictures that wait for a name are asked about first, under the live generation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.asking import Reason, questions
from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.features.sampling import evenly
from edge_tosca.learner.learner import Learner

MOST_OF_A_GROUP = 40
"""Taught pictures of a group that are compared; more of them would change little."""


@dataclass(frozen=True)
class PictureQuestion:
    """A picture to ask about.

    Attributes:
        id: of the picture.
        reason: why it is asked about.
        labels: the known classes, the most probable first.
    """

    id: str
    reason: Reason
    labels: tuple[str, ...]


def ask_first(
    learner: Learner, images: Sequence[tuple[str, AnalysedImage]], most: int
) -> list[PictureQuestion]:
    """Choose pictures to ask about.

    Args:
        learner: its model says how near they are to a border.
        images: ids and pictures without a name; those of another backbone are passed over.
        most: number of questions at most.

    Returns:
        The questions, the most instructive first; none while nothing is taught.
    """
    with learner.store.snapshot():
        model = learner.model
        if not model.state.tasks:
            return []
        width = int(learner.store.settings["feature_dim"])
        ours = [(key, image) for key, image in images if image.feature.shape == (width,)]
        if not ours:
            return []
        z = np.stack([image.normalized for _, image in ours])
        shares = model.posterior(np.stack([image.feature for _, image in ours]))
        nearest = _nearest(z, [model.features_of(place) for place in range(len(model.state.groups))])
        labels = model.state.labels
    return [
        PictureQuestion(
            ours[one.place][0],
            one.reason,
            tuple(labels[place] for place in np.argsort(-shares[one.place], kind="stable")),
        )
        for one in questions(z, shares, nearest, most)
    ]


def _nearest(z: Array, groups: Sequence[Array]) -> Array:
    """Return the cosine of each picture to the most similar taught one, by the first part of the features."""
    closest = np.full(len(z), -1.0)
    for rows in groups:
        some = rows[evenly(len(rows), MOST_OF_A_GROUP), : z.shape[1]]
        closest = np.maximum(closest, (z @ some.T).max(axis=1))
    return closest
