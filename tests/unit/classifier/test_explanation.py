"""The map of what speaks for a class: it adds up to the score, and lies where the channels are."""

from dataclasses import replace

import numpy as np
import pytest

from edge_tosca.arrays import log_softmax
from edge_tosca.classifier.explanation import evidence, is_average, linear_score, place_shares
from edge_tosca.classifier.lda.discriminant import Discriminant
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.classifier.router_fit import TaskColumns, fit_router
from edge_tosca.classifier.shared_means import SharedMeans
from edge_tosca.features.normalization import normalize

CHANNELS, SIDE, LEVELS = 24, 5, (8, 12)
WIDTHS = (CHANNELS, *LEVELS)


def maps(label, count, seed=0):
    """Maps of a class: each channel has its own strength, and some lie in one corner."""
    rng = np.random.default_rng([seed, label])
    strength = np.random.default_rng(label).gamma(1.0, 1.0, CHANNELS)
    found = rng.gamma(1.0, 1.0, (count, CHANNELS, SIDE, SIDE)) * strength[:, None, None]
    found[:, : CHANNELS // 2, 1:, 1:] = 0
    return found.astype(np.float32)


def features(found, label=0):
    """Averages of the maps, and levels that show the class better than they do."""
    rng = np.random.default_rng(label)
    levels = 5 * rng.normal(size=sum(LEVELS)) + rng.normal(size=(len(found), sum(LEVELS)))
    return np.concatenate([found.mean(axis=(2, 3)), levels], axis=1).astype(np.float32)


def solved(counts, widths=WIDTHS, **settings):
    groups = [normalize(features(maps(label, n), label)[:, : sum(widths)], widths) for label, n in counts]
    labels = np.array([label for label, _ in counts])
    tasks = [TaskColumns(slice(0, len(groups)), None)]
    more = {"widths": widths} if len(widths) > 1 else {}
    router, _ = fit_router(statistics_of(groups), groups.__getitem__, labels, tasks, 0.05, **more, **settings)
    return router


@pytest.mark.parametrize("widths", [WIDTHS, (CHANNELS,)])
def test_the_map_adds_up_to_the_score_with_root_grid_and_shrunken_means(widths):
    router = solved([(0, 4), (1, 30), (2, 9)], widths)
    assert router.mean_weights[0] < router.mean_weights[1] < 1
    if len(widths) > 1:
        assert router.part_weight.weight > 0
    some = maps(1, 3, seed=7)
    z = router.view(normalize(features(some, 1)[:, : sum(widths)], widths))
    logs, margins = router.scores(z)
    for row, found in enumerate(some):
        scores = []
        for group in range(3):
            this = evidence(linear_score(router, group), z[row], found)
            wanted = router.mean_weights[group] * margins[row, group] + router.score_offsets[group]
            # The router computes in float32.
            assert this.score == pytest.approx(float(wanted), rel=1e-4, abs=1e-3)
            assert this.places.sum() == pytest.approx(this.score, rel=1e-12, abs=1e-9)
            scores.append(this.score)
        assert np.allclose(log_softmax(router.temperature * np.array([scores]))[0], logs[row], atol=1e-3)


def test_levels_without_a_map_and_the_constant_are_spread_evenly():
    router = solved([(0, 12), (1, 12)])
    (found,) = maps(0, 1, seed=3)
    z = router.view(normalize(features(found[None]), WIDTHS))[0]
    score = linear_score(router, 0)
    this, found = evidence(score, z, found), found.astype(np.float64)
    parts = score.weights * z
    assert this.unplaced == pytest.approx(parts[CHANNELS:].sum() + score.constant)
    by_hand = sum(parts[c] * found[c] / found[c].sum() for c in range(CHANNELS)) + this.unplaced / SIDE**2
    assert np.allclose(this.places, by_hand)


def test_a_class_of_several_lessons_is_scored_by_its_shared_mean():
    router = solved([(0, 12), (1, 12), (0, 12)])
    solution, kept, offsets = router.discriminant, np.float32([0.9, 0.8]), np.float32([1, 2])
    rows = [1, 0, -1]
    discriminant = Discriminant(solution.weights[rows], solution.bias[rows])
    router = replace(router, shared_means=SharedMeans(np.array([1, 0, 1]), discriminant, kept, offsets))
    (found,) = maps(0, 1, seed=3)
    z = router.view(normalize(features(found[None]), WIDTHS))
    scores = [evidence(linear_score(router, group), z[0], found).score for group in range(3)]
    wanted = (kept * discriminant.background_margins(z)[0] + offsets).tolist()
    assert scores == pytest.approx([wanted[1], wanted[0], wanted[1]], rel=1e-4, abs=1e-3)


def test_a_single_class_has_nothing_to_be_compared_with():
    assert linear_score(solved([(0, 12)]), 0) is None


def test_evidence_lies_where_the_channels_are():
    found = np.zeros((2, 3, 3), np.float32)
    found[0, 0, 0] = 3
    found[1, 1] = 1
    shares, placed = place_shares(found)
    assert placed.all()
    assert shares[0].tolist() == [1, *[0] * 8]
    assert shares[1].reshape(3, 3)[1].tolist() == pytest.approx([1 / 3] * 3)


def test_a_channel_that_is_zero_or_cancels_has_no_place():
    found = np.zeros((3, 2, 2), np.float32)
    found[1] = [[1, -1], [2, -1.9]]
    found[2] = [[-1, 0], [0, 0]]
    shares, placed = place_shares(found)
    assert placed.tolist() == [False, False, True]
    assert not shares[:2].any()
    assert shares[2].tolist() == [1, 0, 0, 0]


def test_a_feature_that_is_more_than_the_maps_average_is_recognised():
    (found,) = maps(0, 1)
    feature = features(found[None])[0]
    assert is_average(found, feature)
    assert not is_average(found, np.roll(feature, 1))
    assert not is_average(np.zeros_like(found), feature)
