"""Classes that the border of their pictures distinguishes get advice; others do not."""

import numpy as np
import pytest

from edge_tosca.features.areas import AREAS, BETWEEN, BORDER, MIDDLE, area_sums
from edge_tosca.quality import advice
from edge_tosca.quality.border import FROM, border_scores, classes_at_border

CHANNELS = 40


def test_a_map_is_summed_over_border_middle_and_what_lies_between():
    sums = area_sums(np.stack([np.ones((7, 7)), np.arange(49).reshape(7, 7)]).astype(np.float32))
    assert sums.dtype == np.float32
    assert sums[:, 0].tolist() == [24, 16, 9]
    assert sums[:, 1].sum() == np.arange(49).sum()
    assert sums[MIDDLE, 1] == np.arange(49).reshape(7, 7)[2:5, 2:5].sum()


@pytest.mark.parametrize(("side", "middle"), [(7, 9), (8, 16), (9, 9), (14, 36), (3, 1)])
def test_every_place_of_a_map_of_any_size_is_in_one_area(side, middle):
    sums = area_sums(np.ones((1, side, side), np.float32))[:, 0]
    assert sums.sum() == side * side
    assert sums[MIDDLE] == middle


def lesson(area, labels=("cup", "mug"), pictures=5):
    """Pictures whose classes differ in one area alone, and are alike but for noise elsewhere."""
    rng = np.random.default_rng(0)
    shared = rng.gamma(2.0, 1.0, CHANNELS)
    found = {}
    for label in labels:
        rows = shared * rng.gamma(4.0, 0.25, (pictures, AREAS, CHANNELS))
        rows[:, area] = rng.gamma(2.0, 1.0, CHANNELS) * rng.gamma(40.0, 0.025, (pictures, CHANNELS))
        found[label] = rows
    means = {label: rows.sum(axis=1).mean(axis=0) for label, rows in found.items()}
    background = np.mean(list(means.values()), axis=0)
    parts = {label: (means[label] - background) * rows.sum(axis=1) for label, rows in found.items()}
    return found, parts


def test_classes_that_differ_at_the_border_are_found_and_others_are_not():
    assert sorted(classes_at_border(border_scores(*lesson(BORDER)))) == ["cup", "mug"]
    for area in (BETWEEN, MIDDLE):
        scores = border_scores(*lesson(area))
        assert max(scores.values()) < FROM
        assert classes_at_border(scores) == []


def test_the_score_is_the_borders_share_of_the_evidence_and_twice_the_difference_of_the_margins():
    # Two channels; the border shows the first in one class and the second in the other, the middle nothing.
    areas = {
        "cup": np.tile([[4.0, 0.0], [0.0, 0.0], [1.0, 1.0]], (3, 1, 1)),
        "mug": np.tile([[0.0, 4.0], [0.0, 0.0], [1.0, 1.0]], (3, 1, 1)),
    }
    parts = {"cup": np.tile([5.0, -1.0], (3, 1)), "mug": np.tile([-1.0, 5.0], (3, 1))}
    # The first channel lies by 4/5 at the border and by 1/5 in the middle, the second in the middle alone,
    # where it speaks against the class: evidence 4 at the border, 1 - 1 = 0 in the middle. The margins are
    # 1 - 0 at the border and 0 in the middle.
    assert border_scores(areas, parts) == pytest.approx({"cup": 1 + 2, "mug": 1 + 2})


def test_one_class_or_few_pictures_are_not_judged():
    areas, parts = lesson(BORDER)
    assert border_scores({"cup": areas["cup"]}, {"cup": parts["cup"]}) == {}
    assert border_scores({**areas, "mug": areas["mug"][:2]}, parts) == {}


def test_the_advice_names_at_most_three_classes():
    assert advice.at_border(["mug"]).startswith("Most of what speaks for 'mug' lies at the border")
    assert "'a', 'b', 'c' and others lies" in advice.at_border(["a", "b", "c", "d"])
