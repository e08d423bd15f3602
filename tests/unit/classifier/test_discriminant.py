from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.arrays import log_softmax
from edge_tosca.classifier.calibration.temperature import best_temperature, label_losses
from edge_tosca.classifier.lda.blocked_folds import choose_blocks
from edge_tosca.classifier.lda.discriminant import discriminant, oas_shrinkage, precision
from edge_tosca.classifier.lda.leave_block_out import LeaveBlockOut
from edge_tosca.classifier.lda.mean_shrinkage import Prior
from edge_tosca.classifier.lda.shrinkage_selection import (
    SHRINKAGE_ODDS,
    STANDARD_ERRORS,
    choose_shrinkage,
    significantly_greater,
)
from edge_tosca.classifier.lda.statistics import GramStatistics, RowStatistics
from edge_tosca.features.normalization import normalize

D = 24
FORMS = {
    "rows": lambda groups: RowStatistics(tuple(groups)),
    "gram": lambda groups: GramStatistics.of_groups(groups, D),
}


def groups_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [normalize(rng.normal(size=D) + rng.normal(size=(size, D))) for size in sizes]


def within_of(groups):
    rows = np.concatenate([z - z.mean(axis=0, dtype=np.float64) for z in groups])
    return rows.T @ rows


def held_out(statistics, groups, shrinkage):
    """How all pictures compare with the groups without their block."""
    n = int(statistics.counts.sum())
    inverse, blocks = precision(statistics.within(), n, shrinkage), choose_blocks(statistics.counts, n)
    z = np.concatenate([groups[block.group][block.rows] for block in blocks])
    some = LeaveBlockOut.of(z, blocks, statistics.sums, statistics.counts)
    return some.score(inverse, inverse.project(some.means), shrinkage)


def score(z, means, inverse):
    return z @ inverse @ means.T - 0.5 * np.sum(means @ inverse * means, axis=1)


def by_refitting(groups, shrinkage, blocks, prior):
    """Take out each block, sum up everything again, invert, and compare its pictures with what is left.

    Gives margins above the background, means' squared distances from it, pictures' from their own mean,
    and the scores by shrunken means.
    """
    n = sum(len(z) for z in groups)
    target = np.trace(within_of(groups)) / (n * D)
    above, norms, spread, shrunken = [], [], [], []
    for block in blocks:
        rest = list(groups)
        rest[block.group] = np.delete(groups[block.group], block.rows, axis=0)
        inverse = np.linalg.inv((1 - shrinkage) * within_of(rest) / n + shrinkage * target * np.eye(D))
        means = np.stack([part.mean(axis=0, dtype=np.float64) for part in rest])
        background = np.concatenate(rest).mean(axis=0, dtype=np.float64)
        weights = np.array([len(part) / (len(part) + prior.pictures) for part in rest])
        norms.append([(mean - background) @ inverse @ (mean - background) for mean in means])
        for z in groups[block.group][block.rows].astype(np.float64):
            own = z - means[block.group]
            spread.append(own @ inverse @ own)
            middle = score(z, background[None], inverse)
            above.append(score(z, means, inverse) - middle)
            shrunken.append(score(z, background + weights[:, None] * (means - background), inverse) - middle)
    return above, norms, spread, shrunken


def assert_as_by_refitting(compared, groups, shrinkage):
    prior = Prior(pictures=2.5, noise=1.0)
    found = compared.margins, compared.norms, compared.own_distances, compared.scores(prior)
    expected = by_refitting(groups, shrinkage, compared.blocks, prior)
    # Scores reach 1e3, conditions 1e4: 1e-16 * 1e7 leaves 1e-9.
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sizes", [(2, 2), (5, 3, 7), (30, 20, 2, 9)])
@pytest.mark.parametrize("shrinkage", [0.05, 0.4, 1.0])
def test_left_out_pictures_compare_as_after_refitting_without_the_block(form, sizes, shrinkage):
    groups = groups_of(sizes)
    assert_as_by_refitting(held_out(FORMS[form](groups), groups, shrinkage), groups, shrinkage)


def test_a_picture_alone_in_its_group_is_never_left_out_and_the_others_are_exact():
    groups = groups_of((1, 6, 5))
    compared = held_out(FORMS["gram"](groups), groups, 0.3)
    assert {block.group for block in compared.blocks} == {1, 2}
    assert_as_by_refitting(compared, groups, 0.3)


@given(sizes=st.lists(st.integers(2, 12), min_size=2, max_size=5), seed=st.integers(0, 999))
def test_the_row_form_and_the_gram_form_agree(sizes, seed):
    groups = groups_of(sizes, seed)
    rows, gram = FORMS["rows"](groups), FORMS["gram"](groups)
    n = sum(sizes)
    shrinkage = oas_shrinkage(gram.within(), n)
    assert oas_shrinkage(rows.within(), n) == pytest.approx(shrinkage, abs=1e-10)
    # Two decompositions of one matrix: rounding, times a condition below 1e5.
    one, other = held_out(rows, groups, shrinkage), held_out(gram, groups, shrinkage)
    np.testing.assert_allclose(one.margins, other.margins, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(one.prior().pictures, other.prior().pictures, rtol=1e-6)


@given(sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5), seed=st.integers(0, 999))
def test_the_shrinkage_lies_between_nothing_and_everything(sizes, seed):
    groups = groups_of(sizes, seed)
    for form in FORMS.values():
        assert 0 <= oas_shrinkage(form(groups).within(), sum(sizes)) <= 1


def test_the_shrinkage_is_the_published_formula():
    groups = groups_of((20, 15, 30))
    n = 65
    covariance = within_of(groups) / n
    trace, square = np.trace(covariance), np.trace(covariance @ covariance)
    expected = ((1 - 2 / D) * square + trace**2) / ((n + 1 - 2 / D) * (square - trace**2 / D))
    assert oas_shrinkage(FORMS["gram"](groups).within(), n) == pytest.approx(expected, rel=1e-10)


def test_more_pictures_shrink_less():
    few, many = (oas_shrinkage(FORMS["gram"](groups_of((size,) * 4)).within(), 4 * size) for size in (5, 500))
    assert many < few


@pytest.mark.parametrize("form", FORMS)
def test_the_discriminant_is_the_published_formula(form):
    groups = groups_of((9, 8, 7))
    statistics = FORMS[form](groups)
    means, n = statistics.sums / statistics.counts[:, None], 24
    inverse = precision(statistics.within(), n, 0.3)
    found = discriminant(inverse, inverse.project(means))
    covariance = 0.7 * within_of(groups) / n + 0.3 * np.trace(within_of(groups)) / (n * D) * np.eye(D)
    z = groups_of((6,), seed=5)[0]
    # Weights are float32 and reach 100.
    np.testing.assert_allclose(
        found.scores(z), score(z, means, np.linalg.inv(covariance)), rtol=1e-5, atol=1e-4
    )


@pytest.mark.parametrize("form", FORMS)
def test_classes_of_one_picture_each_are_told_apart_by_the_nearest_mean(form):
    groups = groups_of((1, 1, 1))
    statistics = FORMS[form](groups)
    within = statistics.within()
    shrinkage = oas_shrinkage(within, 3)
    inverse = precision(within, 3, shrinkage)
    found = discriminant(inverse, inverse.project(statistics.sums))
    z = normalize(np.concatenate(groups) + 0.05)
    scores = found.scores(z)
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1) == np.arange(3)).all()


def prepared(groups, dtype=np.float64, form="gram"):
    statistics = FORMS[form](groups)
    blocks = choose_blocks(statistics.counts, int(statistics.counts.sum()))
    z = np.concatenate([groups[block.group][block.rows] for block in blocks])
    return statistics.within(), LeaveBlockOut.of(z, blocks, statistics.sums, statistics.counts, dtype)


@pytest.mark.parametrize("form", FORMS)
@given(sizes=st.lists(st.integers(2, 12), min_size=2, max_size=5), seed=st.integers(0, 999))
def test_a_smaller_shrinkage_is_chosen_only_where_it_is_surely_more_truthful(form, sizes, seed):
    within, held_out = prepared(groups_of(sizes, seed), form=form)
    n, losses = sum(sizes), []
    truth = held_out.groups[:, None] == np.arange(len(sizes))
    base = oas_shrinkage(within, n)
    tried = [odds * base / (1 - base + odds * base) for odds in SHRINKAGE_ODDS]
    for shrinkage in tried:
        inverse = precision(within, n, shrinkage)
        compared = held_out.score(inverse, inverse.project(held_out.means), shrinkage)
        scores = compared.scores(compared.prior())
        losses.append(label_losses(best_temperature(scores, truth)[0] * scores, truth))
    chosen = tried.index(choose_shrinkage(within, held_out, range(len(sizes))).shrinkage)
    gains = [before - after for before, after in pairwise(losses)]
    surely = [gain.mean() > STANDARD_ERRORS * gain.std() / np.sqrt(len(gain)) for gain in gains]
    assert chosen == (surely.index(False) if False in surely else len(gains))


def test_chance_does_not_take_shrinkage_away():
    rng = np.random.default_rng(0)
    losses = rng.normal(size=400)
    assert not significantly_greater(losses, losses - 0.01 + rng.normal(size=400))
    assert significantly_greater(losses, losses - 0.2 + rng.normal(size=400))
    assert not significantly_greater(np.zeros(0), np.zeros(0))


def test_float32_gives_the_posterior_of_float64():
    groups = groups_of((30,) * 12)
    wide, narrow = (
        choose_shrinkage(*prepared(groups, dtype), range(12)) for dtype in (np.float64, np.float32)
    )
    assert narrow.shrinkage == wide.shrinkage
    assert narrow.held_out.scores.dtype == np.float32
    expected = np.exp(log_softmax(wide.temperature * wide.held_out.scores))
    # Scores reach 1e2 and keep seven digits; a probability changes by no more than its exponent does.
    np.testing.assert_allclose(
        np.exp(log_softmax(narrow.temperature * narrow.held_out.scores)), expected, atol=1e-4
    )
    z = np.concatenate(groups)
    found, exact = (discriminant(choice.inverse, choice.means).scores(z) for choice in (narrow, wide))
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-3)


@given(sizes=st.lists(st.integers(2, 40), min_size=2, max_size=60), most=st.integers(1, 300))
def test_some_of_the_pictures_are_scored_as_all_of_them(sizes, most):
    _, held_out = prepared(groups_of(sizes))
    some = held_out.subsample(most)
    assert len(some.z) == len(some.groups) <= most + 2 * max(sizes)
    rows = {row.tobytes() for row in held_out.z}
    assert all(row.tobytes() in rows for row in some.z)
    assert some.means is held_out.means
