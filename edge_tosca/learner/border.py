"""Find what a lesson's classes are distinguished by: the middle of their pictures, or the border."""

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.explanation import is_average, linear_score
from edge_tosca.classifier.router import Router
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.lesson import Lesson
from edge_tosca.quality.border import classes_at_border
from edge_tosca.store.state import State
from edge_tosca.store.store import Store


def labels_at_border(store: Store, lesson: Lesson, state: State, router: Router | None) -> list[str]:
    """Find the classes of a lesson that the border of their pictures distinguishes.

    Args:
        store: of the learner.
        lesson: the last task of the state.
        state: of the new generation.
        router: of it; None where there is none.

    Returns:
        Labels; none where areas are not known, as with features that were computed elsewhere.
    """
    if router is None or any(not taught.areas for taught in lesson.classes.values()):
        return []
    areas: dict[str, Array] = {}
    parts: dict[str, Array] = {}
    first = len(state.groups) - len(state.tasks[-1].groups)
    for place, group in enumerate(state.tasks[-1].groups):
        taught = lesson.classes[group.label]
        score = linear_score(router, first + place)
        if score is None:
            return []
        rows = sorted(taught.areas)
        areas[group.label] = np.stack([taught.areas[row] for row in rows])
        z = router.view(normalize(taught.features[rows], store.widths))
        channels = areas[group.label].shape[2]
        some = areas[group.label][0].T[:, :, None]
        if not is_average(some, taught.features[rows[0]].astype(np.float32)):
            return []
        parts[group.label] = (score.weights * z)[:, :channels]
    return classes_at_border(areas, parts)
