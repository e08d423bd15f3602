import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.conditioning import condition
from edge_tosca.folds import choose_blocks
from edge_tosca.sums import GramStatistics, RowStatistics
from edge_tosca.unknowns import (
    RIDGE_PENALTY,
    directions,
    fit_familiarity,
    fit_ridge,
    left_out_nearness,
    left_out_responses,
    margin,
)

D = 24
FORMS = {
    "rows": lambda groups: RowStatistics(tuple(groups)),
    "gram": lambda groups: GramStatistics.of_groups(groups, D),
}
# Weights are kept in float32 and reach 10; a leverage of 0.9 makes their rounding ten times larger.
RIDGE_TOLERANCE = 2e-5


def groups_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [condition(rng.normal(size=D) + rng.normal(size=(size, D))) for size in sizes]


def ridge_by_hand(x, targets):
    """Least squares with a free intercept and a penalised slope, by its normal equations."""
    mean, middle = x.mean(axis=0), targets.mean(axis=0)
    slope = np.linalg.solve((x - mean).T @ (x - mean) + RIDGE_PENALTY * np.eye(D), (x - mean).T @ targets)
    return lambda z: (z - mean) @ slope + middle


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sizes", [(4, 4), (6, 2, 5), (40, 25, 30)])
def test_ridge_responses_equal_the_normal_equations(form, sizes):
    groups = groups_of(sizes)
    ridge, _ = fit_ridge(FORMS[form](groups))
    x = np.concatenate(groups).astype(np.float64)
    expected = ridge_by_hand(x, np.repeat(np.eye(len(sizes)), sizes, axis=0))(x)
    np.testing.assert_allclose(x @ ridge.weights.T + ridge.bias, expected, rtol=0, atol=RIDGE_TOLERANCE)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sizes", [(4, 4), (6, 2, 5), (3, 1, 4), (40, 25, 30)])
def test_left_out_ridge_responses_equal_refitting_without_the_block(form, sizes):
    groups = groups_of(sizes)
    statistics = FORMS[form](groups)
    ridge, inverse = fit_ridge(statistics)
    blocks = choose_blocks(statistics.counts, sum(sizes))
    x = np.concatenate(groups).astype(np.float64)
    targets = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    starts = np.cumsum(sizes) - sizes
    expected, left_out = [], []
    for block in blocks:
        places = starts[block.group] + block.rows
        left_out.append(groups[block.group][block.rows])
        refitted = ridge_by_hand(np.delete(x, places, axis=0), np.delete(targets, places, axis=0))
        expected.append(refitted(x[places]))
    pictures = np.concatenate(left_out)
    every = np.tile(np.arange(targets.shape[1])[::-1], (len(pictures), 1))
    found = left_out_responses(statistics, ridge, inverse, pictures, blocks, every)[:, ::-1]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=0, atol=RIDGE_TOLERANCE)


@given(sizes=st.lists(st.integers(2, 9), min_size=3, max_size=6), seed=st.integers(0, 999))
def test_left_out_nearness_equals_the_cosine_to_means_made_without_the_block(sizes, seed):
    groups = groups_of(sizes, seed)
    statistics = RowStatistics(tuple(groups))
    blocks = choose_blocks(statistics.counts, sum(sizes))
    proposed = np.random.default_rng(seed).permuted(np.tile(np.arange(len(sizes)), (sum(sizes), 1)), axis=1)
    proposed = proposed[:, :2]
    pictures = np.concatenate([groups[block.group][block.rows] for block in blocks])
    found = left_out_nearness(pictures, blocks, proposed, statistics.sums, statistics.counts)
    expected, place = [], 0
    for block in blocks:
        for row in block.rows:
            kept = [
                np.delete(rows, block.rows, axis=0) if group == block.group else rows
                for group, rows in enumerate(groups)
            ]
            means = [kept[group].mean(axis=0, dtype=np.float64) for group in proposed[place]]
            z = groups[block.group][row].astype(np.float64)
            expected.append(max(mean @ z / np.linalg.norm(mean) for mean in means))
            place += 1
    # Directions are float16: half a unit in the eleventh bit of each of 24 terms.
    np.testing.assert_allclose(found, expected, rtol=0, atol=24**0.5 * 2**-11)


def test_a_mean_of_zeros_has_no_direction():
    assert not directions(np.zeros((1, D))).any()


@given(n=st.integers(20, 400), refused=st.sampled_from([0.05, 0.1, 0.3]), seed=st.integers(0, 999))
def test_the_threshold_refuses_the_stated_share_of_known_pictures(n, refused, seed):
    signs = np.random.default_rng(seed).normal(size=(n, 3))
    familiarity = fit_familiarity(signs, refused)
    below = (familiarity.score(signs) < familiarity.threshold).mean()
    assert abs(below - refused) <= 1 / n


@pytest.mark.parametrize(("n", "refused"), [(0, 0.05), (1, 0.05), (19, 0.05), (100, 0.0)])
def test_nothing_is_unknown_where_the_quantile_is_not_known(n, refused):
    familiarity = fit_familiarity(np.random.default_rng(0).normal(size=(n, 3)), refused)
    assert familiarity.threshold == -np.inf
    assert np.isfinite(familiarity.score(np.zeros((1, 3)))).all()


def test_more_of_any_sign_is_more_familiar():
    familiarity = fit_familiarity(np.random.default_rng(0).normal(size=(50, 3)), 0.05)
    base, *more = familiarity.score(np.vstack([np.zeros(3), np.eye(3)]))
    assert min(more) > base


def test_the_margin_is_the_lead_over_the_next_and_a_lonely_group_leads_by_its_response():
    assert margin(np.array([[0.1, 0.7, 0.4]])) == pytest.approx([0.3])
    assert margin(np.array([[0.7]])) == pytest.approx([0.7])
