"""The weight of a feature's further parts, and the sums of weighted features."""

import numpy as np
import pytest

from edge_tosca.classifier.lda.part_weight import choose_part_weight
from edge_tosca.classifier.lda.statistics import GramStatistics, RowStatistics
from edge_tosca.features.normalization import normalize
from edge_tosca.features.part_weights import PART_WEIGHTS, weigh

WIDTHS = (40, 12, 12)


def groups_of(sizes, first, levels, seed=0):
    """Draw groups whose classes differ so much in the first part, and so much in the levels."""
    rng = np.random.default_rng(seed)
    common = rng.gamma(1.0, 1.0, sum(WIDTHS))
    groups = []
    for size in sizes:
        centre = np.concatenate([first * rng.normal(size=40), levels * rng.normal(size=24)])
        groups.append(normalize(common + centre + 0.5 * rng.normal(size=(size, sum(WIDTHS))), WIDTHS))
    return groups


def chosen(groups, labels=None):
    counts = np.array([len(group) for group in groups])
    label_of_group = np.arange(len(groups)) if labels is None else np.array(labels)
    return choose_part_weight(counts, groups.__getitem__, label_of_group, WIDTHS)


def test_levels_that_tell_classes_apart_get_the_largest_weight():
    assert chosen(groups_of([20] * 8, first=0.1, levels=0.6)) == max(PART_WEIGHTS)


def test_levels_that_only_disturb_are_left_out():
    groups = groups_of([20] * 8, first=0.3, levels=0.0)
    rng = np.random.default_rng(1)
    for group in groups:
        noise = rng.normal(size=(len(group), 24))
        group[:, 40:] = normalize(np.hstack([np.ones((len(group), 40)), noise]), WIDTHS)[:, 40:]
    assert chosen(groups) == 0


@pytest.mark.parametrize("sizes", [[], [1], [1, 1, 1], [5], [2, 1]])
def test_with_too_few_pictures_to_choose_by_the_first_candidate_is_kept(sizes):
    assert chosen(groups_of(sizes, 0.3, 0.3)) == PART_WEIGHTS[0]


@pytest.mark.parametrize("sizes", [[400] * 3, [20] * 200, [2] * 600, [1] * 50 + [30] * 20])
def test_the_choice_reads_a_bounded_number_of_pictures(sizes):
    groups, read = groups_of(sizes, 0.3, 0.3), []

    def cached(group):
        read.append(group)
        return groups[group]

    counts = np.array(sizes)
    weight = choose_part_weight(counts, cached, np.arange(len(sizes)), WIDTHS)
    assert weight in PART_WEIGHTS
    assert len(read) <= 90


def test_groups_of_one_label_are_one_class():
    groups = groups_of([15] * 6, first=0.1, levels=0.6)
    assert chosen([*groups, *groups_of([15] * 6, 0.1, 0.6)], [*range(6), *range(6)]) == max(PART_WEIGHTS)


@pytest.mark.parametrize("weight", PART_WEIGHTS)
def test_sums_of_weighted_features_are_weighted_sums(weight):
    groups = groups_of([7, 3, 9], 0.3, 0.3)
    rows, gram = RowStatistics(tuple(groups)), GramStatistics.of_groups(groups, sum(WIDTHS))
    expected = RowStatistics(tuple(weigh(group, WIDTHS, weight) for group in groups))
    for statistics in (rows.weighted(WIDTHS, weight), gram.weighted(WIDTHS, weight)):
        assert np.array_equal(statistics.counts, expected.counts)
        assert np.array_equal(statistics.sums, expected.sums)
        np.testing.assert_allclose(statistics.within().trace, expected.within().trace, rtol=1e-9)
        np.testing.assert_allclose(
            statistics.within().squared_norm, expected.within().squared_norm, rtol=1e-9
        )
        of_classes = np.array([0, 1, 0])
        assert np.array_equal(statistics.pooled(of_classes).sums, expected.pooled(of_classes).sums)


def test_weighing_leaves_the_plain_sums_as_they_are():
    gram = GramStatistics.of_groups(groups_of([7, 3], 0.3, 0.3), sum(WIDTHS))
    before = gram.gram.to_triangle().tobytes(), gram.sums.tobytes()
    gram.weighted(WIDTHS, 10 / 16).within()
    assert (gram.gram.to_triangle().tobytes(), gram.sums.tobytes()) == before
