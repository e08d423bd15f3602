"""Explain one answer: which places of the picture spoke for a class, and which against it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tosca.arrays import Array
from edge_tosca.classifier.explanation import Evidence, evidence, linear_score
from edge_tosca.errors import LearnError
from edge_tosca.learner.model import Model
from edge_tosca.results import Answer


@dataclass(frozen=True)
class Explanation:
    """One answer, and what spoke for a class.

    Attributes:
        answer: to the picture.
        label: the class that the evidence is about.
        evidence: by place; it adds up to the router's score of the class above the background.
        crop: what the backbone saw, uint8 [size, size, 3].
        seen: left, top, width and height of the crop, as shares of the width and height of the upright
            picture, or of its region.
    """

    answer: Answer
    label: str
    evidence: Evidence
    crop: NDArray[np.uint8]
    seen: tuple[float, float, float, float]


def evidence_for(model: Model, feature: Array, feature_map: Array, label: str) -> Evidence:
    """Compute what speaks for a class in one picture.

    Where several tasks taught the class, it is the evidence for the one that the picture is most like. The
    modules' opinions, which have a weight in few stores, are not in it: they are not linear.

    Args:
        model: of the live generation.
        feature: of the picture, float32 [d].
        feature_map: of the picture, float32 [c, h, w].
        label: the class.

    Returns:
        The evidence.

    Raises:
        LearnError: there is no such class or no other one, or the store answers by the paper's rule.
    """
    if model.rule == "entropy":
        raise LearnError("the paper's rule (--router entropy) has no map of places; use the default router")
    if label not in model.state.labels:
        raise LearnError(f"there is no class {label!r}; known: {', '.join(model.state.labels)}")
    z = model.normalized(feature[None])
    groups = np.flatnonzero(model.state.label_of_group == model.state.labels.index(label))
    scores = model.router.scores(z)[0][0]
    score = linear_score(model.router, int(groups[np.argmax(scores[groups])]))
    if score is None:
        raise LearnError(f"{label!r} is the only class, so nothing speaks for or against it; teach another")
    return evidence(score, z[0], feature_map)
