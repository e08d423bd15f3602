import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.conditioning import condition
from edge_tosca.sums import GramStatistics, RowStatistics
from edge_tosca.unknowns import (
    NEIGHBOURS,
    RIDGE_PENALTY,
    fit_familiarity,
    fit_ridge,
    nearness,
    ridge_leave_one_out,
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
def test_left_out_ridge_responses_equal_refitting_without_the_picture(form, sizes):
    groups = groups_of(sizes)
    statistics = FORMS[form](groups)
    ridge, inverse = fit_ridge(statistics)
    x = np.concatenate(groups).astype(np.float64)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    targets = np.eye(len(sizes))[labels]
    expected = np.stack(
        [
            ridge_by_hand(np.delete(x, place, axis=0), np.delete(targets, place, axis=0))(z)
            for place, z in enumerate(x)
        ]
    )
    found = ridge_leave_one_out(statistics, ridge, inverse, np.concatenate(groups), labels)
    np.testing.assert_allclose(found, expected, rtol=0, atol=RIDGE_TOLERANCE)


@given(m=st.integers(1, 20), seed=st.integers(0, 999))
def test_nearness_is_the_mean_cosine_to_the_nearest_cached_features(m, seed):
    z, *cached = groups_of((m + 1,), seed)[0]
    cached = np.stack(cached)
    expected = np.sort(cached.astype(np.float64) @ z)[-NEIGHBOURS:].mean()
    # float32 rounding of a sum over 24 terms; conditioned features have unit length, so products are cosines.
    assert nearness(z, cached) == pytest.approx(expected, abs=1e-6)


def test_where_nothing_is_cached_nothing_is_near():
    assert nearness(np.ones(D, np.float32), np.zeros((0, D), np.float32)) == -1


@given(n=st.integers(20, 400), refused=st.sampled_from([0.05, 0.1, 0.3]), seed=st.integers(0, 999))
def test_the_threshold_refuses_the_stated_share_of_known_pictures(n, refused, seed):
    ridge, near = np.random.default_rng(seed).normal(size=(2, n))
    familiarity = fit_familiarity(ridge, near, refused)
    below = (familiarity.score(ridge, near) < familiarity.threshold).mean()
    assert abs(below - refused) <= 1 / n


@pytest.mark.parametrize(("n", "refused"), [(0, 0.05), (1, 0.05), (19, 0.05), (100, 0.0)])
def test_nothing_is_unknown_where_the_quantile_is_not_known(n, refused):
    ridge, near = np.random.default_rng(0).normal(size=(2, n))
    familiarity = fit_familiarity(ridge, near, refused)
    assert familiarity.threshold == -np.inf
    assert np.isfinite(familiarity.score(np.zeros(1), np.zeros(1))).all()


def test_more_of_either_sign_is_more_familiar():
    rng = np.random.default_rng(0)
    familiarity = fit_familiarity(rng.normal(size=50), rng.normal(size=50), 0.05)
    base, more_ridge, more_near = familiarity.score(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    assert more_ridge > base
    assert more_near > base
