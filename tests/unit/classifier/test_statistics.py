import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.classifier.lda.cholesky_scatter import CholeskyScatter
from edge_tosca.classifier.lda.statistics import GramStatistics, RowStatistics
from edge_tosca.features.normalization import normalize

D = 24


def groups_of(seed, sizes):
    rng = np.random.default_rng(seed)
    return [normalize(rng.normal(size=D) + rng.normal(size=(size, D))) for size in sizes]


def bits(statistics):
    return [(value.dtype, value.shape, value.tobytes()) for value in statistics.to_arrays().values()]


some_sizes = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(seed=st.integers(0, 2**32), sizes=some_sizes, data=st.data())
def test_groups_that_are_added_a_few_at_a_time_equal_those_of_all_at_once_to_the_last_bit(seed, sizes, data):
    groups = groups_of(seed, sizes)
    statistics, added = GramStatistics.of_groups([], D), 0
    while added < len(groups):
        more = data.draw(st.integers(1, len(groups) - added))
        statistics = statistics.with_groups(groups[added : added + more])
        added += more
    assert bits(statistics) == bits(GramStatistics.of_groups(groups, D))


@given(seed=st.integers(0, 2**32), sizes=some_sizes)
def test_the_order_of_pictures_and_of_groups_leaves_the_gram_matrix_alone(seed, sizes):
    groups = groups_of(seed, sizes)
    mixed = [group[::-1] for group in reversed(groups)]
    gram = GramStatistics.of_groups(groups, D).gram.to_triangle()
    assert GramStatistics.of_groups(mixed, D).gram.to_triangle().tobytes() == gram.tobytes()


@given(seed=st.integers(0, 2**32), sizes=some_sizes)
def test_features_and_their_sums_count_and_add_up_alike_to_the_last_bit(seed, sizes):
    groups = groups_of(seed, sizes)
    rows, gram = RowStatistics(tuple(groups)), GramStatistics.of_groups(groups, D)
    assert rows.counts.tobytes() == gram.counts.tobytes()
    assert rows.sums.tobytes() == gram.sums.tobytes()


def matrix(scatter):
    if isinstance(scatter, CholeskyScatter):
        return scatter.matrix.to_matrix()
    return (scatter.vectors * scatter.values) @ scatter.vectors.T


@given(seed=st.integers(0, 2**32), sizes=some_sizes)
def test_both_forms_give_the_scatter_matrices(seed, sizes):
    groups = groups_of(seed, sizes)
    inner = np.concatenate([rows - rows.mean(axis=0, dtype=np.float64) for rows in groups])
    # Rounding of sums of at most 54 unit vectors; the row form also drops eigenvalues under 1e-10 of the
    # largest, which is at most 54.
    for statistics in (RowStatistics(tuple(groups)), GramStatistics.of_groups(groups, D)):
        scatter = statistics.within()
        whole = matrix(scatter)
        np.testing.assert_allclose(whole, inner.T @ inner, rtol=0, atol=6e-9)
        assert scatter.dim == D
        assert scatter.trace == pytest.approx(np.trace(whole), abs=1e-9)
        assert scatter.squared_norm == pytest.approx(np.sum(whole**2), rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 2**32), alpha=st.floats(0, 2), beta=st.floats(1e-3, 2), rows=st.integers(1, 40))
def test_both_forms_give_the_shrunken_inverse(seed, alpha, beta, rows):
    groups = groups_of(seed, [rows])
    vectors = groups_of(seed + 1, [5])[0]
    for statistics in (RowStatistics(tuple(groups)), GramStatistics.of_groups(groups, D)):
        scatter = statistics.within()
        inverse = scatter.inverse(alpha, beta)
        some = inverse.project(vectors)
        expected = vectors @ np.linalg.inv(alpha * matrix(scatter) + beta * np.eye(D))
        # The condition number is at most 2 * 40 / 1e-3, so rounding reaches 1e-11 of values up to 1e3.
        np.testing.assert_allclose(inverse.apply(some), expected, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(
            inverse.inner_products(some, some), expected @ vectors.T, rtol=1e-8, atol=1e-8
        )
        np.testing.assert_allclose(
            inverse.paired_products(some, some), np.sum(expected * vectors, axis=1), rtol=1e-8, atol=1e-8
        )


def test_groups_that_count_as_one_are_summed_as_one():
    rng = np.random.default_rng(2)
    groups = [normalize(rng.normal(size=(size, 16))) for size in (3, 5, 2, 4)]
    units = np.array([0, 1, 0, 1])
    together = [np.concatenate([groups[0], groups[2]]), np.concatenate([groups[1], groups[3]])]
    for apart, once in (
        (RowStatistics(tuple(groups)), RowStatistics(tuple(together))),
        (GramStatistics.of_groups(groups, 16), GramStatistics.of_groups(together, 16)),
    ):
        joined = apart.pooled(units)
        np.testing.assert_array_equal(joined.counts, once.counts)
        np.testing.assert_array_equal(joined.sums, once.sums)
        assert joined.within().trace == pytest.approx(once.within().trace, rel=1e-12)
        assert joined.within().squared_norm == pytest.approx(once.within().squared_norm, rel=1e-12)
