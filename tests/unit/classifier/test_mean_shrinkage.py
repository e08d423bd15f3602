import numpy as np
import pytest

from edge_tosca.classifier.evidence_sample import TaskColumns
from edge_tosca.classifier.lda.mean_shrinkage import MAX_PRIOR_PICTURES, Prior, score_offsets, shrunken_scores
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.classifier.router_fit import fit_router
from edge_tosca.features.normalization import normalize

D = 64


def drawn(sizes, apart, seed=0):
    """Groups whose true means lie `apart` times as far apart as their pictures, and those means."""
    rng = np.random.default_rng(seed)
    means = apart * rng.normal(size=(len(sizes), D))
    return [mean + rng.normal(size=(size, D)) for mean, size in zip(means, sizes, strict=True)], means


@pytest.mark.parametrize("apart", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("size", [3, 30])
def test_the_moments_find_the_prior_that_the_means_were_drawn_from(apart, size):
    sizes = np.full(200, size)
    groups, _ = drawn(sizes, apart)
    means = np.stack([rows.mean(axis=0) for rows in groups])
    norms = ((means - means.mean(axis=0)) ** 2).sum(axis=1)
    # A picture lies D from its true mean, squared; 200 groups of 64 dimensions give it within a few percent.
    assert Prior.of(D, norms, sizes).pictures == pytest.approx(1 / apart**2, rel=0.1)


def test_shrunken_means_lie_nearer_to_the_true_ones_than_plain_ones():
    sizes = np.tile([1, 2, 5, 40], 25)
    groups, true = drawn(sizes, 0.5)
    plain = np.stack([rows.mean(axis=0) for rows in groups])
    middle = plain.mean(axis=0)
    prior = Prior.of(D, ((plain - middle) ** 2).sum(axis=1), sizes)
    shrunken = middle + prior.mean_weights(sizes)[:, None] * (plain - middle)
    for size in (1, 2, 5):
        some = sizes == size
        assert ((shrunken - true)[some] ** 2).sum() < 0.9 * ((plain - true)[some] ** 2).sum()


def test_the_prior_is_worth_little_where_means_are_sure_and_never_more_than_its_most():
    assert Prior.of(1.0, np.full(10, 1e6), np.full(10, 20)).pictures < 1e-5
    assert Prior.of(1.0, np.full(10, 1e-6), np.full(10, 20)).pictures == MAX_PRIOR_PICTURES
    assert Prior.of(1.0, np.zeros(10), np.full(10, 20)).pictures == MAX_PRIOR_PICTURES
    assert Prior.of(1.0, np.zeros(1), np.full(1, 20)).pictures == 0


def test_scores_are_those_of_the_shrunken_means():
    rng = np.random.default_rng(0)
    means, z, weights = rng.normal(size=(5, D)), rng.normal(size=(7, D)), rng.uniform(size=5)
    above, norms = z @ means.T - 0.5 * (means**2).sum(axis=1), (means**2).sum(axis=1)
    moved = weights[:, None] * means
    expected = z @ moved.T - 0.5 * (moved**2).sum(axis=1)
    np.testing.assert_allclose(shrunken_scores(above, norms, weights), expected, rtol=1e-12, atol=1e-12)
    assert not score_offsets(norms, np.ones(5)).any()


def test_a_class_of_few_pictures_holds_its_own_among_classes_of_many():
    rng = np.random.default_rng(3)
    means = 0.35 * rng.normal(size=(10, D))
    sizes = [4] * 5 + [60] * 5
    groups = [normalize(mean + rng.normal(size=(n, D))) for mean, n in zip(means, sizes, strict=True)]
    statistics = statistics_of(groups)
    router, _ = fit_router(statistics, groups.__getitem__, range(10), [TaskColumns(slice(0, 10), None)], 0.05)
    right = np.zeros(10)
    familiar = np.zeros(10)
    for group, mean in enumerate(means):
        z = normalize(mean + rng.normal(size=(200, D)))
        logs, above = router.scores(z)
        right[group] = (logs.argmax(axis=1) == group).mean()
        plain = above.argmax(axis=1) == group
        familiar[group] = (router.ood.score(z, above) >= router.ood.threshold).mean()
        if group < 5:
            assert right[group] > plain.mean() + 0.1
    assert right[:5].mean() > 0.6 * right[5:].mean()
    # No class is held for unknown because little is known of it.
    assert familiar[:5].mean() > familiar[5:].mean() - 0.15
