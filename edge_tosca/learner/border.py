"""Find what a lesson's classes are distinguished by: the middle of their pictures, or the border."""

from collections.abc import Mapping, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.explanation import is_average, linear_score
from edge_tosca.classifier.router import Router
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.quality.border import border_scores, classes_at_border
from edge_tosca.store.state import State


def labels_at_border(lesson: Lesson, state: State, router: Router | None, widths: Sequence[int]) -> list[str]:
    """Find the classes of a lesson that the border of their pictures distinguishes.

    Args:
        lesson: the last task of the state.
        state: of the new generation.
        router: of it; None where there is none.
        widths: of the features' parts.

    Returns:
        Labels; none where areas are not known, as with features that were computed elsewhere.
    """
    if router is None:
        return []
    groups = state.tasks[-1].groups
    first = len(state.groups) - len(groups)
    places = {group.label: first + at for at, group in enumerate(groups)}
    return classes_at_border(lesson_border_scores(lesson.classes, places, router, widths))


def lesson_border_scores(
    classes: Mapping[str, LessonClass], places: Mapping[str, int], router: Router, widths: Sequence[int]
) -> dict[str, float]:
    """Compute how much the border distinguishes each class of a lesson.

    Args:
        classes: of the lesson.
        places: label to the index of its group.
        router: that knows the lesson.
        widths: of the features' parts.

    Returns:
        Label to s (`edge_tosca.quality.border`); empty where areas are not known.
    """
    areas: dict[str, Array] = {}
    parts: dict[str, Array] = {}
    for label, taught in classes.items():
        score = linear_score(router, places[label])
        rows = sorted(taught.areas)
        if score is None or not rows:
            return {}
        features, some = taught.features[rows], np.stack([taught.areas[row] for row in rows])
        if not is_average(some[0].T[:, :, None], features[0]):
            return {}
        areas[label] = some
        parts[label] = (score.weights * router.view(normalize(features, widths)))[:, : some.shape[2]]
    return border_scores(areas, parts)
