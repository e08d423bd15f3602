import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_tosca.arrays import log_softmax
from edge_tosca.classifier.calibration.posterior import by_label, refine
from edge_tosca.classifier.calibration.temperature import best_temperature, bounded_temperature

# float64 rounding of a handful of exponentials and logarithms of size 100.
TINY = 1e-12


def scores(columns):
    return arrays(np.float64, st.tuples(st.integers(1, 5), columns), elements=st.floats(-100, 100))


@given(scores(st.integers(1, 8)), st.floats(-1e3, 1e3))
def test_log_softmax_gives_probabilities_that_a_common_shift_leaves_alone(values, shift):
    logs = log_softmax(values)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=0, atol=TINY)
    # The shift itself rounds the scores at 1e-13.
    np.testing.assert_allclose(log_softmax(values + shift), logs, rtol=0, atol=1e-11)
    # The order stays: a score never below another gives a logarithm never below the other's.
    assert (np.diff(np.take_along_axis(logs, values.argsort(axis=1), axis=1)) >= 0).all()


def test_log_softmax_survives_scores_that_overflow_an_exponential():
    logs = log_softmax(np.array([[1e4, 0.0, -1e4]]))
    np.testing.assert_array_equal(logs, [[0.0, -1e4, -2e4]])


@st.composite
def router_and_module(draw):
    posterior = log_softmax(draw(scores(st.just(7))))
    start = draw(st.integers(0, 5))
    columns = slice(start, draw(st.integers(start + 1, 7)))
    shape = (len(posterior), columns.stop - columns.start)
    opinion = log_softmax(draw(arrays(np.float64, shape, elements=st.floats(-100, 100))))
    return posterior, columns, opinion


@given(router_and_module(), st.floats(0, 4))
def test_a_module_cannot_move_probability_into_or_out_of_its_task(case, weight):
    posterior, columns, opinion = case
    before = np.logaddexp.reduce(posterior[:, columns], axis=1)
    after = np.logaddexp.reduce(refine(posterior, columns, opinion, weight), axis=1)
    np.testing.assert_allclose(after, before, rtol=0, atol=TINY)


@given(router_and_module())
def test_weight_zero_leaves_the_routers_opinion(case):
    posterior, columns, opinion = case
    np.testing.assert_allclose(
        refine(posterior, columns, opinion, 0), posterior[:, columns], rtol=0, atol=TINY
    )


@given(router_and_module(), st.floats(0, 4))
def test_inside_a_task_log_odds_add_up(case, weight):
    posterior, columns, opinion = case
    revised = refine(posterior, columns, opinion, weight)
    expected = posterior[:, columns] + weight * opinion
    # Log-odds up to 1,000: relative rounding.
    np.testing.assert_allclose(np.diff(revised), np.diff(expected), rtol=1e-11, atol=1e-11)


def test_refining_leaves_the_routers_array_as_it_was():
    posterior = log_softmax(np.arange(12.0).reshape(3, 4))
    kept = posterior.copy()
    refine(posterior, slice(1, 3), log_softmax(np.ones((3, 2))), 1.0)
    np.testing.assert_array_equal(posterior, kept)


@given(
    scores(st.just(6)),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
)
def test_groups_of_one_label_are_added_up(values, label_of_group):
    posterior = log_softmax(values)
    summed = by_label(posterior, label_of_group, 4)
    for label in range(4):
        mine = [place for place, of in enumerate(label_of_group) if of == label]
        np.testing.assert_allclose(
            summed[:, label], np.exp(posterior[:, mine]).sum(axis=1), rtol=0, atol=TINY
        )
    np.testing.assert_allclose(summed.sum(axis=1), 1, rtol=0, atol=TINY)


def test_the_best_temperature_is_the_most_truthful_one():
    rng = np.random.default_rng(0)
    true_scores = rng.normal(size=(4000, 5))
    truth = np.array([rng.choice(5, p=row) for row in np.exp(log_softmax(true_scores))])
    # Scores that are four times too bold want to be divided by four; the steps are factors of sqrt(2).
    factor, loss = best_temperature(4 * true_scores, truth[:, None] == np.arange(5))
    assert factor == 0.25
    assert loss == pytest.approx(-log_softmax(true_scores)[np.arange(4000), truth].mean())


def test_without_pictures_the_temperature_stays_as_it_is():
    factor, loss = best_temperature(np.zeros((0, 3)), np.zeros((0, 3), bool))
    assert factor == 1.0
    assert np.isnan(loss)


def test_confusing_two_groups_of_one_label_costs_nothing():
    scores = np.array([[0.0, 3.0, -2.0], [3.0, 0.0, -2.0]])
    one_label = np.array([[True, True, False]] * 2)
    sharp, loss = best_temperature(scores, one_label)
    assert sharp > 1
    assert loss == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("n", [6, 60, 600])
def test_pictures_that_are_all_right_vouch_for_no_more_than_their_number(n):
    scores = np.random.default_rng(0).normal(size=(n, 4))
    truth = np.arange(4) == np.arange(n)[:, None] % 4
    scores[truth] += 10
    sharp, _ = best_temperature(scores, truth)
    modest = bounded_temperature(sharp, scores, truth)
    right = np.exp(log_softmax(modest * scores))[truth]
    # The strongest of three rivals has the stated odds; the two others take a little more.
    assert 1 - 3 / (n + 1) <= np.median(right) <= (n + 1) / (n + 2)


def test_a_temperature_that_makes_mistakes_plain_is_left_as_it_is():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(200, 3))
    truth = np.arange(3) == rng.integers(0, 3, 200)[:, None]
    assert bounded_temperature(0.5, scores, truth) == 0.5


def test_one_class_alone_has_no_rival_to_be_modest_about():
    assert bounded_temperature(2.0, np.zeros((5, 1)), np.ones((5, 1), bool)) == 2.0
