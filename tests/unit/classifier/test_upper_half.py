"""Half a matrix answers like the whole one."""

import numpy as np
import pytest

from edge_tosca.classifier.lda.upper_half import UpperHalf

WIDTHS = [1, 24, 160, 161, 321]


def symmetric(d):
    rows = np.random.default_rng(d).normal(size=(2 * d, d))
    return rows.T @ rows / d


@pytest.mark.parametrize("d", WIDTHS)
def test_a_symmetric_matrix_comes_back_from_its_half_and_from_its_triangle(d):
    matrix = symmetric(d)
    half = UpperHalf.of(matrix)
    np.testing.assert_array_equal(half.to_matrix(), matrix)
    np.testing.assert_array_equal(half.to_triangle(), matrix[np.triu_indices(d)])
    np.testing.assert_array_equal(UpperHalf.from_triangle(half.to_triangle(), d).to_matrix(), matrix)
    assert (half.dim, half.trace) == (d, pytest.approx(np.trace(matrix)))
    assert half.squared_norm == pytest.approx(np.sum(matrix**2))


@pytest.mark.parametrize("d", WIDTHS)
def test_changes_are_those_of_the_whole_matrix(d):
    matrix, draw = symmetric(d), np.random.default_rng(1)
    rows, columns = draw.normal(size=(5, d)), draw.random(d)
    half = UpperHalf.of(matrix).copy(3.0)
    half.add_products(rows, -1.0)
    half.scale(columns)
    half.add_to_diagonal(0.5)
    expected = (3 * matrix - rows.T @ rows) * columns * columns[:, None] + 0.5 * np.eye(d)
    np.testing.assert_allclose(half.to_matrix(), expected, rtol=0, atol=1e-12)
    few = (d + 1) // 2
    np.testing.assert_array_equal(half.leading(few).to_matrix(), half.to_matrix()[:few, :few])


@pytest.mark.parametrize("d", WIDTHS)
def test_products_with_a_triangle_are_those_of_the_whole_triangle(d):
    matrix, x = symmetric(d), np.random.default_rng(1).normal(size=(4, d))
    half = UpperHalf.of(np.triu(matrix))
    np.testing.assert_allclose(half.times_columns(x), x @ np.triu(matrix), rtol=0, atol=1e-10)
    np.testing.assert_allclose(half.times_rows(x), x @ np.triu(matrix).T, rtol=0, atol=1e-10)


def test_a_matrix_that_is_not_positive_definite_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        UpperHalf.of(-np.eye(200)).cholesky_in_place()
