"""Our own formulae beside those of scikit-learn and scipy, which are no dependencies on a device."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg.lapack import dtrtri
from scipy.stats import t
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from edge_tosca.classifier.lda.cholesky_scatter import CholeskyInverse
from edge_tosca.classifier.lda.discriminant import discriminant, oas_shrinkage, precision
from edge_tosca.classifier.lda.statistics import GramStatistics, RowStatistics
from edge_tosca.classifier.lda.upper_half import UpperHalf
from edge_tosca.classifier.ood.threshold import student_t_quantile
from edge_tosca.features.normalization import normalize

FORMS = {
    "rows": lambda groups, d: RowStatistics(tuple(groups)),
    "gram": GramStatistics.of_groups,
}


def groups_of(sizes, d, seed=0):
    """Groups whose pictures vary ten times as much in some dimensions as in others."""
    rng = np.random.default_rng(seed)
    spread = np.geomspace(0.2, 2, d)
    return [normalize(rng.normal(size=d) + spread * rng.normal(size=(size, d))) for size in sizes]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("d", [24, 192, 768])
def test_the_oas_shrinkage_is_scikit_learns_but_for_a_d_th_of_it(form, d):
    groups = groups_of((20, 9, 30), d)
    residuals = np.concatenate([rows - rows.mean(axis=0, dtype=np.float64) for rows in groups])
    theirs = OAS(assume_centered=True).fit(residuals).shrinkage_
    ours = oas_shrinkage(FORMS[form](groups, d).within(), 59)
    assert theirs < 1
    # Chen's equation 23 has two terms with 2 / d that scikit-learn omits. As trace(C^2) <= trace(C)^2, the
    # first lowers rho by at most a d-th of it; the second raises it by less than 2 / (d n) of it.
    assert 1 - 1 / d <= ours / theirs <= 1 + 2 / (59 * d)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("d", [24, 192])
@pytest.mark.parametrize("shrinkage", [0.05, 0.4, 1.0])
def test_scores_are_scikit_learns_without_its_priors_of_classes(form, d, shrinkage):
    sizes = (20, 9, 30)
    groups, z = groups_of(sizes, d), np.concatenate(groups_of((40,), d, seed=1))
    labels = np.repeat(np.arange(3), sizes)
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    reference.fit(np.concatenate(groups).astype(np.float64), labels)
    # scikit-learn weights each class's covariance by its share of the pictures, which gives W / n together.
    # It adds the logarithm of the share to the scores.
    expected = reference.decision_function(z.astype(np.float64)) - np.log(np.array(sizes) / 59)

    statistics = FORMS[form](groups, d)
    inverse = precision(statistics.within(), 59, shrinkage)
    means = inverse.project(statistics.sums / statistics.counts[:, None])
    weights = inverse.apply(means)
    # float64, and a condition below 1e4: 1e-16 * 1e4 and a margin for the solver.
    np.testing.assert_allclose(weights, reference.coef_, rtol=1e-9, atol=1e-9 * np.abs(weights).max())
    # The weights are kept in float32: 6e-8 of at most d products.
    found = discriminant(inverse, means).scores(z)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(weights).max())


@given(share=st.floats(0.05, 0.95), freedom=st.integers(4, 2000))
def test_students_quantile_is_that_of_scipy_to_a_thousandth(share, freedom):
    # The truncated series is worst for few degrees of freedom and shares near 0 or 1: off by 0.0002 at 4 and
    # 5 %.
    assert student_t_quantile(share, freedom) == pytest.approx(t.ppf(share, freedom), abs=0.001)


@pytest.mark.parametrize("d", [1, 24, 159, 160, 161, 320, 400])
def test_the_root_of_an_inverse_is_lapacks_inverse_of_the_cholesky_factor(d):
    rows = np.random.default_rng(d).normal(size=(2 * d, d))
    matrix = rows.T @ rows / d + np.eye(d)
    expected, status = dtrtri(np.linalg.cholesky(matrix), lower=1)
    assert status == 0
    # Upper triangular: the transpose of what LAPACK inverts.
    root = np.zeros((d, d))
    for place, strip in CholeskyInverse.of(UpperHalf.of(matrix)).root.by_rows():
        root[place, place.start :] = strip
    # To the last bit; the condition is below 10.
    assert not np.tril(root, -1).any()
    np.testing.assert_allclose(root, np.tril(expected).T, rtol=0, atol=1e-13)
