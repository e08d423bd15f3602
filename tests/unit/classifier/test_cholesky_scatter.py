import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.classifier.lda.cholesky_scatter import CholeskyInverse, CholeskyScatter
from edge_tosca.classifier.lda.upper_half import UpperHalf


def scatter_of(d, seed=0):
    rows = np.random.default_rng(seed).normal(size=(2 * d, d))
    return rows.T @ rows


# Widths on both sides of one and two strips.
@pytest.mark.parametrize("d", [1, 24, 160, 161, 321])
def test_products_made_strip_by_strip_are_those_of_the_whole_inverse(d):
    matrix = scatter_of(d) / d + np.eye(d)
    whitening, inverse = CholeskyInverse.of(UpperHalf.of(matrix)), np.linalg.inv(matrix)
    vectors = np.random.default_rng(1).normal(size=(5, d))
    some = whitening.project(vectors)
    # The condition is below 10: float64's rounding over at most 321 terms.
    np.testing.assert_allclose(whitening.apply(some), vectors @ inverse, rtol=0, atol=1e-11)
    np.testing.assert_allclose(
        whitening.inner_products(some, some), vectors @ inverse @ vectors.T, rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(
        whitening.paired_products(some, some), np.sum(vectors @ inverse * vectors, axis=1), rtol=0, atol=1e-10
    )


@given(d=st.integers(2, 200), seed=st.integers(0, 99))
def test_a_root_in_float32_serves_both_precisions(d, seed):
    scatter = CholeskyScatter(UpperHalf.of(scatter_of(d, seed)))
    wide, narrow = (scatter.inverse(1 / d, 1.0, dtype) for dtype in (np.float64, np.float32))
    vectors = np.random.default_rng(seed).normal(size=(4, d))
    expected = wide.apply(wide.project(vectors))
    for dtype in (None, np.float32, np.float64):
        found = narrow.apply(narrow.project(vectors, dtype))
        assert found.dtype == (dtype or np.float32)
        # The condition is below 10, and float32 adds up at most 200 terms.
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
