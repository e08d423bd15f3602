import numpy as np
import pytest

from edge_tosca.classifier.evidence_sample import TaskColumns
from edge_tosca.classifier.lda.blocked_folds import choose_blocks
from edge_tosca.classifier.lda.discriminant import discriminant, precision
from edge_tosca.classifier.lda.leave_block_out import LeaveBlockOut
from edge_tosca.classifier.lda.mean_shrinkage import Prior, score_offsets
from edge_tosca.classifier.lda.relative_mahalanobis import NEAREST_CLASSES, nearest_groups
from edge_tosca.classifier.lda.statistics import GramStatistics, RowStatistics, statistics_of
from edge_tosca.classifier.ood.calibration import FEWEST, fit_ood_calibration, statistic_weights
from edge_tosca.classifier.ood.detector import OodDetector, held_out_statistics, row_lengths
from edge_tosca.classifier.ood.threshold import rejection_threshold, student_t_quantile
from edge_tosca.classifier.router import Router
from edge_tosca.classifier.router_fit import fit_router
from edge_tosca.features.normalization import normalize

D = 24
SHRINKAGE = 0.3
PRIOR = Prior(pictures=2.5, noise=40.0)
FORMS = {
    "rows": lambda groups: RowStatistics(tuple(groups)),
    "gram": lambda groups: GramStatistics.of_groups(groups, D),
}
SIZES = [(4, 4), (6, 2, 5), (3, 1, 4), (9, 12, 7), (2, 3, 2, 4, 3, 2, 2, 5, 3, 2)]
# Deviations are kept in steps of at most 2^-15: half of one in each of 24 terms.
NEARNESS_TOLERANCE = 24**0.5 / 2**15


def groups_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [normalize(rng.normal(size=D) + rng.normal(size=(size, D))) for size in sizes]


def means_of(groups):
    return np.stack([rows.mean(axis=0, dtype=np.float64) for rows in groups])


def statistics_by_hand(z, groups, inverse, long):
    """OOD statistics of one picture by definition, the matrices written out; the means' lengths are given."""
    means = means_of(groups)
    background = np.concatenate(groups).mean(axis=0, dtype=np.float64)
    distances = np.array([(z - mean) @ inverse @ (z - mean) for mean in means])
    distances -= PRIOR.noise / np.array([len(rows) for rows in groups])
    nearest = np.argsort(distances)[:NEAREST_CLASSES]
    own, apart = means[nearest[0]] - background, z - background
    direction = own @ inverse @ apart / np.sqrt(own @ inverse @ own) / np.linalg.norm(apart)
    between = (means[nearest] - background).T @ (means[nearest] - background) / len(nearest)
    total = np.linalg.inv(np.linalg.inv(inverse) + between)
    relative = apart @ total @ apart - distances[nearest[0]]
    near = max(means[nearest] @ z / long[nearest])
    return direction, relative, near


def within_of(groups):
    rows = np.concatenate([z - z.mean(axis=0, dtype=np.float64) for z in groups])
    return rows.T @ rows


def inverse_by_hand(groups, target, pictures):
    return np.linalg.inv((1 - SHRINKAGE) / pictures * within_of(groups) + SHRINKAGE * target * np.eye(D))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sizes", SIZES)
def test_left_out_signs_are_those_of_a_learner_that_never_saw_the_block(form, sizes):
    groups = groups_of(sizes)
    statistics = FORMS[form](groups)
    counts, sums, pictures = statistics.counts, statistics.sums, sum(sizes)
    blocks = choose_blocks(counts, pictures)
    z = np.concatenate([groups[block.group][block.rows] for block in blocks])
    held_out = LeaveBlockOut.of(z, blocks, sums, counts)
    within = statistics.within()
    inverse = precision(within, pictures, SHRINKAGE)
    result = held_out.evaluate(inverse, inverse.project(held_out.means), SHRINKAGE, PRIOR)
    found = held_out_statistics(z, blocks, result.nearest, result.relative_mahalanobis, sums, counts)
    expected = []
    for block in blocks:
        kept = [
            np.delete(rows, block.rows, axis=0) if group == block.group else rows
            for group, rows in enumerate(groups)
        ]
        # Weights and shrinkage target stay those of all pictures.
        by_hand = inverse_by_hand(kept, within.trace / pictures / D, pictures)
        # New pictures will meet the means of all pictures.
        long = row_lengths(means_of(groups))
        expected += [statistics_by_hand(groups[block.group][row], kept, by_hand, long) for row in block.rows]
    np.testing.assert_allclose(found[:, :2], np.array(expected)[:, :2], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[:, 2], np.array(expected)[:, 2], rtol=0, atol=1e-6)


@pytest.mark.parametrize("sizes", SIZES)
def test_a_router_gives_the_signs_by_their_definitions(sizes):
    groups = groups_of(sizes)
    statistics, pictures = RowStatistics(tuple(groups)), sum(sizes)
    within = statistics.within()
    inverse = precision(within, pictures, SHRINKAGE)
    means = statistics.sums / statistics.counts[:, None]
    background = statistics.sums.sum(axis=0) / pictures
    weights = PRIOR.mean_weights(statistics.counts)
    norms = np.einsum(
        "gi,ij,gj->g", means - background, inverse.apply(inverse.project(np.eye(D))), means - background
    )
    solved = discriminant(inverse, inverse.project(np.vstack([means, background])))
    calibration = fit_ood_calibration(np.zeros((0, 3)), 0.05, len(groups))
    noise = PRIOR.mean_noise(statistics.counts)
    router = Router(
        None,
        solved,
        weights,
        score_offsets(norms, weights),
        1.0,
        0.0,
        OodDetector.of(solved, statistics.sums, statistics.counts, noise, calibration),
        SHRINKAGE,
        np.zeros(0, np.float32),
    )
    z = groups_of([20], seed=1)[0]
    found = router.ood.statistics(z, router.scores(z)[1])
    by_hand = inverse_by_hand(groups, within.trace / pictures / D, pictures)
    long = row_lengths(means_of(groups))
    expected = np.array([statistics_by_hand(one.astype(np.float64), groups, by_hand, long) for one in z])
    # Deviations are kept in steps of a 32767th of the largest, and inner products in float32.
    np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=5e-3, atol=5e-3 * np.abs(expected).max())
    np.testing.assert_allclose(found[:, 2], expected[:, 2], rtol=0, atol=NEARNESS_TOLERANCE)


def test_of_one_group_alone_direction_and_distance_say_nothing():
    groups = groups_of([6])
    router, _ = fit_router(
        RowStatistics(tuple(groups)), lambda _: groups[0], [0], [TaskColumns(slice(0, 1), None)], 0.05
    )
    found = router.ood.statistics(groups[0], router.scores(groups[0])[1])
    assert not found[:, :2].any()
    assert (found[:, 2] > 0.5).all()


def test_a_picture_is_compared_with_the_groups_of_the_best_scores():
    scores = np.random.default_rng(0).permuted(np.tile(np.arange(30.0), (4, 1)), axis=1)
    best = np.take_along_axis(scores, nearest_groups(scores), axis=1)
    assert (np.sort(best, axis=1) == np.arange(30 - NEAREST_CLASSES, 30)).all()


@pytest.mark.parametrize("draw", ["normal", "skewed"])
@pytest.mark.parametrize("n", [FEWEST, 10, 20, 40, 200])
def test_the_stated_share_of_new_scores_falls_below_however_few_the_threshold_was_placed_by(n, draw):
    rng = np.random.default_rng(n)

    def scores(count):
        return rng.normal(size=count) if draw == "normal" else -rng.gamma(4.0, size=count)

    shares = [(scores(200) < rejection_threshold(scores(n), 0.05)).mean() for _ in range(2000)]
    # Scores of which the low ones lie far out are the worst case; the plain quantile of 5 refuses 20 %.
    assert np.mean(shares) == pytest.approx(0.05, abs=0.006 if draw == "normal" else 0.03)


def test_the_threshold_varies_less_than_the_ranked_score():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(1000, 20))
    ranked = np.quantile(samples, 0.05, axis=1, method="weibull")
    assert np.std([rejection_threshold(scores, 0.05) for scores in samples]) < 0.8 * ranked.std()


@pytest.mark.parametrize("refused", [0.05, 0.2])
def test_with_many_pictures_the_threshold_is_the_ranked_score(refused):
    statistics = np.random.default_rng(0).exponential(size=(20_000, 3))
    calibration = fit_ood_calibration(statistics, refused, 8)
    assert (calibration.score(statistics) < calibration.threshold).mean() == pytest.approx(refused, abs=0.003)


@pytest.mark.parametrize(
    ("share", "freedom", "printed"),
    [(0.05, 4, -2.132), (0.05, 10, -1.812), (0.1, 5, -1.476), (0.01, 20, -2.528), (0.975, 30, 2.042)],
)
def test_students_quantiles_are_those_of_the_tables(share, freedom, printed):
    assert student_t_quantile(share, freedom) == pytest.approx(printed, abs=0.001)


@pytest.mark.parametrize(("n", "refused"), [(0, 0.05), (1, 0.05), (FEWEST - 1, 0.05), (100, 0.0)])
def test_nothing_is_unknown_where_pictures_are_too_few_or_none_may_be_refused(n, refused):
    calibration = fit_ood_calibration(np.random.default_rng(0).normal(size=(n, 3)), refused, 8)
    assert calibration.threshold == -np.inf
    assert np.isfinite(calibration.score(np.zeros((1, 3)))).all()


@pytest.mark.parametrize("classes", [1, 2])
@pytest.mark.parametrize("copies", [FEWEST, 12, 40])
def test_the_picture_that_was_taught_in_copies_is_not_unknown(classes, copies):
    groups = [np.repeat(one[:1], copies, axis=0) for one in groups_of([1] * classes)]
    router, _ = fit_router(
        RowStatistics(tuple(groups)),
        lambda group: groups[group],
        range(classes),
        [TaskColumns(slice(0, classes), None)],
        0.05,
    )
    z = np.concatenate([rows[:1] for rows in groups])
    known = router.ood.score(z, router.scores(z)[1])
    assert (known >= router.ood.threshold).all()


def test_scores_that_are_all_equal_are_their_own_threshold():
    assert rejection_threshold(np.full(7, 2.5), 0.05) == pytest.approx(2.5)


@pytest.mark.parametrize("n", [2, 3, 50])
def test_each_sign_counts_in_its_own_standard_deviations(n):
    statistics = np.random.default_rng(n).normal(size=(n, 3)) * [0.1, 10, 1] + [5, -3, 0]
    calibration = fit_ood_calibration(statistics, 0.05, 8)
    mean, spread = statistics.mean(axis=0), statistics.std(axis=0)
    assert calibration.score(mean[None]) == pytest.approx([0], abs=1e-9)
    assert calibration.score(mean + np.diag(spread)) == pytest.approx(statistic_weights(8))


def test_one_picture_alone_says_nothing_of_any_spread():
    calibration = fit_ood_calibration(np.full((1, 3), 7.0), 0.05, 8)
    assert calibration.score(np.eye(3)) == pytest.approx(statistic_weights(8))


def test_more_of_any_sign_is_more_familiar():
    calibration = fit_ood_calibration(np.random.default_rng(0).normal(size=(50, 3)), 0.05, 8)
    base, *more = calibration.score(np.vstack([np.zeros(3), np.eye(3)]))
    assert min(more) > base


def test_nearness_counts_more_where_few_groups_are_known():
    shares = [statistic_weights(groups)[2] for groups in (1, 2, 4, NEAREST_CLASSES, 1000)]
    assert shares == [4.0, 2.0, 1.0, 0.5, 0.5]


def test_a_router_with_the_signs_of_an_earlier_version_is_not_read():
    groups = groups_of([6, 7])
    tasks = [TaskColumns(slice(0, 2), None)]
    router, _ = fit_router(RowStatistics(tuple(groups)), lambda at: groups[at], [0, 1], tasks, 0.05)
    arrays = router.to_arrays()
    assert Router.from_arrays(arrays, 2, D).ood.threshold == router.ood.threshold
    for earlier in ({"familiarity": np.ones((2, 3))}, {"lengths": np.ones(3)}, {"worth": np.ones(3)}):
        with pytest.raises(ValueError, match="does not fit"):
            Router.from_arrays(arrays | earlier, 2, D)
    del arrays["deviations"]
    with pytest.raises(KeyError):
        Router.from_arrays(arrays, 2, D)


def test_classes_of_all_but_one_picture_know_their_own():
    """Two frames of one object differ by less than a hundredth of what two objects differ by."""
    rng = np.random.default_rng(0)
    objects = 0.3 * rng.normal(size=(5, 64)) + 2 * rng.normal(size=64)

    def frames(count):
        return [normalize(one + 0.002 * rng.normal(size=(count, 64))) for one in objects]

    groups = frames(20)
    router, _ = fit_router(
        statistics_of(groups), groups.__getitem__, range(5), [TaskColumns(slice(0, 5), None)], 0.05
    )
    z = np.concatenate(frames(40))
    unknown = router.ood.score(z, router.scores(z)[1]) < router.ood.threshold
    assert unknown.mean() < 0.2
