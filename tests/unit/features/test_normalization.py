import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_tosca.features.normalization import GRID, module_input, normalize

some_features = arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 24)),
    elements=st.floats(-1e4, 1e4, width=32),
)


@given(some_features)
def test_every_value_lies_on_the_grid(features):
    z = normalize(features)
    assert z.dtype == np.float32
    steps = z.astype(np.float64) * GRID
    assert (steps == np.rint(steps)).all()
    assert np.abs(steps).max() <= GRID


@given(some_features)
def test_features_have_unit_length(features):
    z = normalize(features).astype(np.float64)
    seen = features.astype(np.float16).any(axis=1)
    # Rounding moves each of d values by half a step at most, so the length by sqrt(d) / 2 steps.
    tolerance = 0.5 * np.sqrt(features.shape[1]) / GRID + 1e-12
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), seen.astype(float), rtol=0, atol=tolerance)


def test_it_is_the_signed_square_root_at_unit_length():
    z = normalize(np.array([[4.0, -9.0, 0.0, 1.0]]))
    expected = np.array([[2.0, -3.0, 0.0, 1.0]]) / np.sqrt(14)
    # Half a step of the grid.
    np.testing.assert_allclose(z, expected, rtol=0, atol=0.5 / GRID)


def test_a_zero_feature_stays_zero_without_a_warning():
    with np.errstate(all="raise"):
        assert not normalize(np.zeros((2, 8), np.float32)).any()


@given(some_features)
def test_a_live_feature_and_its_cached_copy_are_treated_alike(features):
    cached = features.astype(np.float16)
    expected = normalize(features).tobytes()
    assert normalize(cached).tobytes() == expected
    assert normalize(cached.astype(np.float32)).tobytes() == expected
    assert normalize(cached.astype(np.float64)).tobytes() == expected


def test_a_feature_beyond_float16_becomes_no_infinity():
    z = normalize(np.array([[1e30, -1e30, 0.0]], np.float32))
    np.testing.assert_allclose(z, [[np.sqrt(0.5), -np.sqrt(0.5), 0]], rtol=0, atol=0.5 / GRID)


@given(some_features)
def test_a_picture_is_conditioned_on_its_own(features):
    alone = np.concatenate([normalize(row[None]) for row in features])
    assert normalize(features).tobytes() == alone.tobytes()


@given(seed=st.integers(0, 2**32), n=st.integers(2, 80), d=st.sampled_from([3, 17, 64]))
def test_sums_of_outer_products_do_not_depend_on_their_order(seed, n, d):
    """What makes forgetting exact: no sum over normalised features is ever rounded."""
    rng = np.random.default_rng(seed)
    z = normalize(rng.normal(size=(n, d)) * 10.0 ** rng.integers(-2, 3)).astype(np.float64)
    whole = z.T @ z
    shuffled = z[rng.permutation(n)]
    cut = int(rng.integers(1, n))
    assert (shuffled.T @ shuffled).tobytes() == whole.tobytes()
    parts = shuffled[:cut].T @ shuffled[:cut] + shuffled[cut:].T @ shuffled[cut:]
    assert parts.tobytes() == whole.tobytes()
    one_by_one = np.zeros((d, d))
    for row in shuffled:
        one_by_one += np.outer(row, row)
    assert one_by_one.tobytes() == whole.tobytes()
    assert z.sum(axis=0).tobytes() == shuffled.sum(axis=0).tobytes()


def test_eight_million_pictures_can_be_added_up_without_rounding():
    # Every entry of a Gram matrix is a multiple of GRID**-2 and at most 1 (and a rounding) a picture.
    pictures = 2**23
    assert float(pictures) * GRID**2 == 2.0**53


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_luca_sees_features_of_unit_mean_square(dtype):
    x = module_input(normalize(np.random.default_rng(0).normal(size=(5, 768))).astype(dtype))
    assert x.dtype == np.float32
    # The grid's rounding of the length, 768 / (2 sqrt(768) GRID), doubled by the square.
    np.testing.assert_allclose(np.mean(x * x, axis=1), 1, rtol=0, atol=1e-3)
