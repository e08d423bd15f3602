"""The kernel vote: its value, its masks and bounds, and when a router takes it."""

from dataclasses import replace

import numpy as np
import pytest

from edge_tosca.arrays import log_softmax
from edge_tosca.classifier.calibration.posterior import refine
from edge_tosca.classifier.evidence_gain import HeldOutGain
from edge_tosca.classifier.evidence_sample import TaskColumns
from edge_tosca.classifier.kernel_vote import (
    MOST_OF_A_CLASS,
    MOST_ROWS,
    SHARPNESS,
    KernelVote,
    may_vote,
)
from edge_tosca.classifier.lda.blocked_folds import folds_of
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.classifier.router import Router
from edge_tosca.classifier.router_fit import fit_router
from edge_tosca.features.normalization import normalize

D = 24


def drawn(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [normalize(rng.normal(size=D) + rng.normal(size=(size, D))) for size in sizes]


def two_modes(size, seed):
    """Two classes on both sides of one mean, each in a direction of its own: no linear rule parts them."""
    rng = np.random.default_rng(seed)
    middle, u, v = np.random.default_rng(5).normal(size=(3, D))
    classes = []
    for way in (u + v, u - v):
        side = rng.choice([-1, 1], size=(size, 1))
        classes.append(normalize(middle + 0.5 * side * way + 0.7 * rng.normal(size=(size, D))))
    return classes


def voted(groups, z, sharpness, scale, left_out=None):
    """The formula, picture by picture in float64."""
    opinions = []
    for row in z.astype(np.float64):
        votes = []
        for place, rows in enumerate(groups):
            kept = np.ones(len(rows), bool) if left_out is None else ~left_out[place]
            squared = ((rows[kept].astype(np.float64) - row) ** 2).sum(axis=1)
            votes.append(np.exp(-sharpness * squared / scale).mean() if kept.any() else 0.0)
        opinions.append(np.log(np.array(votes) / sum(votes) + 0.01))
    return np.array(opinions)


def vote_of(groups):
    return KernelVote.of(groups.__getitem__, [len(rows) for rows in groups])


def fitted(groups, votes=True, tasks=None):
    columns = tasks or [TaskColumns(slice(0, len(groups)), None, votes)]
    router, held_out = fit_router(
        statistics_of(groups), groups.__getitem__, range(len(groups)), columns, 0.05
    )
    return router, held_out


@pytest.mark.parametrize("sharpness", SHARPNESS)
def test_the_opinion_is_that_of_the_formula(sharpness):
    groups, z = drawn((7, 5, 12)), drawn((9,), seed=1)[0]
    vote = vote_of(groups)
    np.testing.assert_allclose(
        vote.opinion(z, sharpness), voted(groups, z, sharpness, vote.scale), rtol=1e-3, atol=1e-4
    )


def test_the_scale_is_the_median_distance_of_pairs():
    groups = drawn((20, 30))
    rows = np.concatenate(groups).astype(np.float64)
    distances = ((rows[:, None] - rows) ** 2).sum(axis=2)[np.triu_indices(len(rows), 1)]
    assert vote_of(groups).scale == pytest.approx(np.median(distances), rel=1e-4)


def test_a_picture_is_voted_on_without_its_block():
    groups = drawn((9, 6, 2))
    vote = vote_of(groups)
    for place, rows in enumerate(groups):
        folds = folds_of(len(rows))
        found = vote.held_out_opinions(rows, np.full(len(rows), place), folds)
        for fold in set(folds.tolist()):
            left_out = [np.zeros(len(some), bool) for some in groups]
            left_out[place] = folds == fold
            mine = folds == fold
            for sharpness, opinion in zip(SHARPNESS, found, strict=True):
                expected = voted(groups, rows[mine], sharpness, vote.scale, left_out)
                np.testing.assert_allclose(opinion[mine], expected, rtol=1e-3, atol=1e-4)


def test_the_pictures_that_vote_are_bounded_and_even():
    rng = np.random.default_rng(0)
    big = rng.normal(size=(1000, D)).astype(np.float32)
    vote = KernelVote.of(lambda place: big[: (1000, 10)[place]], [1000, 10])
    assert np.bincount(vote.groups).tolist() == [MOST_OF_A_CLASS, 10]
    assert np.bincount(vote.folds[vote.groups == 0]).tolist() == [86, 85, 85]
    many = KernelVote.of(lambda _: big[:150], [150] * 40)
    assert len(many.rows) <= MOST_ROWS
    assert set(np.bincount(many.groups).tolist()) == {MOST_ROWS // 40}


def test_pictures_that_are_all_alike_have_an_opinion_without_nan():
    groups = [np.ones((5, D), np.float32)] * 2
    assert np.allclose(vote_of(groups).opinion(groups[0], 60.0), np.log(0.51), atol=1e-6)


@pytest.mark.parametrize(
    ("counts", "expected"), [([100, 100], True), ([20, 180], True), ([99, 100], False), ([500], False)]
)
def test_pictures_vote_from_a_hundred_a_class_on(counts, expected):
    assert may_vote(counts) == may_vote(np.array(counts)) == expected


def test_classes_of_two_modes_are_voted_on_and_told_apart_better():
    groups = two_modes(150, 0)
    router, held_out = fitted(groups)
    assert router.vote is not None
    assert router.module_weight == 0
    test = np.concatenate(two_modes(200, 1))
    truth = np.repeat([0, 1], 200)
    logs = router.scores(test)[0]
    alone = np.mean(logs.argmax(axis=1) == truth)
    opinion = vote_of(groups).opinion(test, router.vote.sharpness)
    together = np.mean(refine(logs, slice(0, 2), opinion, router.vote.weight).argmax(axis=1) == truth)
    assert together > alone + 0.1
    # The held-out answers, by which label sets are calibrated, are those with the vote.
    assert np.mean(held_out.posterior.argmax(axis=1) == held_out.groups) == pytest.approx(together, abs=0.06)


def test_classes_of_one_mode_are_left_to_the_router():
    groups = drawn((120, 120, 120))
    router, _ = fitted(groups)
    assert router.vote is None
    assert "vote" not in router.to_arrays()


def test_without_votes_every_array_is_the_same_bit_for_bit():
    groups = drawn((120, 130))
    with_votes, without = (fitted(groups, votes)[0].to_arrays() for votes in (True, False))
    assert {name: array.tobytes() for name, array in with_votes.items()} == {
        name: array.tobytes() for name, array in without.items()
    }


@pytest.mark.parametrize("seed", range(4))
def test_series_that_have_nothing_in_common_are_no_evidence(seed):
    # By picture, whole series gain by chance; by block there are three of each class.
    rng = np.random.default_rng(seed)
    series = [[rng.normal(size=D) + 0.3 * rng.normal(size=(50, D)) for _ in range(3)] for _ in range(2)]
    assert fitted([normalize(np.concatenate(rows)) for rows in series])[0].vote is None


def test_the_modules_keep_the_weight_where_they_gain_more():
    groups = two_modes(120, 0)
    right = np.log(np.repeat(np.eye(2) * 0.98 + 0.01, 120, axis=0))
    router, _ = fitted(groups, tasks=[TaskColumns(slice(0, 2), right, True)])
    assert router.vote is None
    assert router.module_weight > 0


def trial(gains, fewer_errors, blocks):
    return HeldOutGain(np.array(blocks), np.array(gains), fewer_errors)


def test_the_standard_error_by_block_is_that_of_block_means():
    values = np.random.default_rng(0).normal(size=12)
    blocks = np.repeat(np.arange(4), 3)
    means = values.reshape(4, 3).mean(axis=1)
    found = trial(values, np.zeros(12, int), blocks).standard_errors
    assert found[0] == pytest.approx(values.mean() / (values.std(ddof=1) / np.sqrt(12)))
    assert found[1] == pytest.approx(means.mean() / (means.std(ddof=1) / 2))
    assert found[2] == 0


def test_a_gain_of_one_block_or_of_the_loss_alone_does_not_pass():
    blocks = np.repeat(np.arange(6), 50)
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.normal(size=300)
    mended = (rng.random(300) < 0.2).astype(int)
    assert trial(0.2 + noise, mended, blocks).passes(3.0)
    assert not trial(0.2 + noise, np.zeros(300, int), blocks).passes(3.0)
    assert not trial(np.where(blocks == 0, 1.2, 0.0) + noise, mended, blocks).passes(3.0)


def test_a_router_keeps_the_vote_and_reads_arrays_without_it():
    groups = two_modes(150, 0)
    router, _ = fitted(groups)
    arrays = router.to_arrays()
    assert (str(arrays["vote"].dtype), arrays["vote"].shape) == ("float64", (2,))
    assert Router.from_arrays(arrays, 2, D).vote == router.vote
    earlier = {name: array for name, array in arrays.items() if name != "vote"}
    read = Router.from_arrays(earlier, 2, D)
    assert read.vote is None
    assert np.array_equal(read.scores(groups[0])[0], router.scores(groups[0])[0])
    assert replace(router, vote=None).to_arrays().keys() == earlier.keys()


@pytest.mark.parametrize("vote", [[0.0, 15.0], [0.5, 7.0], [np.nan, 15.0], [0.5]])
def test_a_damaged_vote_is_refused(vote):
    arrays = fitted(two_modes(150, 0))[0].to_arrays()
    with pytest.raises(ValueError, match=r"fit|unpack"):
        Router.from_arrays({**arrays, "vote": np.array(vote)}, 2, D)


def test_the_total_of_a_task_stays():
    logs = log_softmax(np.random.default_rng(0).normal(size=(4, 5)))
    vote = vote_of(drawn((9, 9)))
    refined = refine(logs, slice(1, 3), vote.opinion(drawn((4,), 2)[0], 30.0), 1.0)
    assert np.allclose(np.exp(refined).sum(axis=1), np.exp(logs[:, 1:3]).sum(axis=1))
