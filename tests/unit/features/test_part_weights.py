"""Normalisation of a feature's parts, and their weights."""

import numpy as np
import pytest

from edge_tosca.features.normalization import GRID, normalize
from edge_tosca.features.part_weights import PART_WEIGHTS, column_weights, weigh

WIDTHS = (12, 5, 7)


def features(count=9, seed=0):
    return np.random.default_rng(seed).normal(size=(count, sum(WIDTHS))).astype(np.float32)


def test_the_first_part_is_normalised_as_if_it_were_alone():
    x = features()
    assert np.array_equal(normalize(x, WIDTHS)[:, : WIDTHS[0]], normalize(x[:, : WIDTHS[0]]))


def test_further_parts_keep_their_direction_and_have_unit_length():
    x = features().astype(np.float16).astype(np.float64)
    z = normalize(x, WIDTHS)
    for part in (slice(12, 17), slice(17, 24)):
        expected = x[:, part] / np.linalg.norm(x[:, part], axis=1, keepdims=True)
        np.testing.assert_allclose(z[:, part], expected, rtol=0, atol=0.51 / GRID)


def test_every_value_lies_on_the_grid():
    steps = normalize(features(), WIDTHS).astype(np.float64) * GRID
    assert (steps == np.rint(steps)).all()


def test_a_picture_is_normalised_alike_alone_and_among_others():
    x = features(40)
    assert np.array_equal(np.concatenate([normalize(row[None], WIDTHS) for row in x]), normalize(x, WIDTHS))


def test_a_part_of_zeros_stays_zero_without_a_warning():
    x = features()
    x[:, 12:17] = 0
    with np.errstate(all="raise"):
        z = normalize(x, WIDTHS)
    assert not z[:, 12:17].any()
    assert z[:, 17:].any()


@pytest.mark.parametrize("weight", PART_WEIGHTS)
def test_weighted_features_are_exact(weight):
    z = normalize(features(), WIDTHS)
    weighted = weigh(z, WIDTHS, weight)
    exact = z.astype(np.float64)[:, : weighted.shape[1]] * column_weights(WIDTHS, weight)[: weighted.shape[1]]
    assert np.array_equal(weighted.astype(np.float64), exact)


def test_a_weight_of_zero_leaves_the_first_part_and_one_part_is_not_weighed():
    z = normalize(features(), WIDTHS)
    assert np.array_equal(weigh(z, WIDTHS, 0.0), z[:, :12])
    assert weigh(z, (24,), 0.5) is z
