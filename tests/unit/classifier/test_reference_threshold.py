import math

import numpy as np
import pytest

from edge_tosca.classifier.calibration.known_probability import INTERCEPT, SLOPE, known_probability
from edge_tosca.classifier.evidence_sample import TaskColumns
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.classifier.ood.calibration import FEWEST, fit_ood_calibration, place_threshold
from edge_tosca.classifier.ood.dependence import (
    FEWEST_CLUSTERED,
    INDEPENDENT,
    Dependence,
    clustering,
    measure_dependence,
    serial_correlation,
)
from edge_tosca.classifier.ood.reference_threshold import (
    UNCLUSTERED,
    leaning,
    plausible_width,
    reference_threshold,
    references_begin,
)
from edge_tosca.classifier.ood.strictness import strict_threshold
from edge_tosca.classifier.ood.threshold import rejection_threshold
from edge_tosca.classifier.router import Router
from edge_tosca.classifier.router_fit import fit_router
from edge_tosca.features.normalization import normalize

D = 48
KNOWN = np.random.default_rng(0).normal(size=400)


def frames(count, step, seed=0):
    """Pictures that drift away from the first one, as frames of a walk around an object do."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(size=(count, D)), axis=0)
    return normalize(10 + step * walk + 0.1 * rng.normal(size=(count, D)))


def varied(count, seed=0):
    return normalize(10 + np.random.default_rng(seed).normal(size=(count, D)))


def clustered(count, seed=0):
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(count // 4, D))
    rows = np.repeat(places, 4, axis=0) + 0.3 * rng.normal(size=(count // 4 * 4, D))
    return normalize(10 + rng.permutation(rows))


@pytest.mark.parametrize("count", [2, 3, 8, 21])
def test_serial_correlation_is_its_definition(count):
    z = frames(count, 0.3)
    rows = z.astype(np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T
    near = np.mean([cosines[at, at + 1] for at in range(count - 1)])
    apart = (count + 1) // 2
    far = np.mean([cosines[i, j] for i in range(count) for j in range(i + apart, count)])
    assert serial_correlation(z) == pytest.approx((near - far) / (1 - far), abs=1e-6)


def test_only_an_order_with_meaning_is_serial():
    assert serial_correlation(frames(20, 0.3)) > 0.5
    assert abs(serial_correlation(varied(200))) < 0.05
    assert serial_correlation(np.repeat(varied(1), 20, axis=0)) == 0


def test_clusters_are_found_in_any_order_and_only_where_they_are():
    assert clustering(clustered(20)) > 0.3
    assert clustering(clustered(20)[::-1]) > 0.3
    assert max(abs(clustering(varied(20, seed))) for seed in range(5)) < 0.1


def test_a_class_of_many_pictures_is_compared_in_samples_of_a_few():
    few = np.mean([clustering(varied(20, seed)) for seed in range(5)])
    assert clustering(varied(400)) == pytest.approx(few, abs=0.06)


def test_classes_too_small_to_be_measured_are_independent():
    assert measure_dependence(2, lambda _: varied(1)) == INDEPENDENT
    assert measure_dependence(2, lambda _: varied(FEWEST_CLUSTERED - 1)).clustering == 0


def test_independent_pictures_place_the_threshold_by_themselves():
    references = np.linspace(-20, -3, 500)
    own = rejection_threshold(KNOWN, 0.05)
    assert reference_threshold(KNOWN, references, 0.05, INDEPENDENT, 8) == pytest.approx(own)
    clusters = Dependence(0.0, UNCLUSTERED)
    assert reference_threshold(KNOWN, references, 0.05, clusters, 8) == pytest.approx(own)


def test_one_look_leaves_the_threshold_to_the_references():
    references = np.linspace(-20, -6, 500)
    placed = reference_threshold(KNOWN, references, 0.05, Dependence(1.0, 0.0), 8)
    assert placed == pytest.approx(references_begin(references))
    assert (references < placed).mean() == pytest.approx(0.99, abs=0.005)


def test_the_less_a_lesson_tells_the_lower_the_threshold():
    references = np.linspace(-20, -6, 500)
    lessons = [Dependence(serial, 0.0) for serial in (0.0, 0.015, 0.03, 0.06, 0.1)]
    placed = [reference_threshold(KNOWN, references, 0.05, lesson, 8) for lesson in lessons]
    assert placed == sorted(placed, reverse=True)
    assert len(set(placed)) == len(placed)


def test_a_lesson_far_narrower_than_any_class_leans_on_the_references():
    for groups in (1, 2, 5, 100):
        width = plausible_width(groups)
        assert leaning(INDEPENDENT, width, groups) == 0
        assert 0 < leaning(INDEPENDENT, 2 * width, groups) < leaning(INDEPENDENT, 3 * width, groups) <= 1
        assert leaning(INDEPENDENT, 100 * width, groups) == 1
    widths = [plausible_width(groups) for groups in (1, 2, 3, 8, 1000)]
    assert widths == sorted(widths, reverse=True)


def test_references_that_pass_raise_the_threshold_by_half_the_share_at_most():
    own, raised = (rejection_threshold(KNOWN, share) for share in (0.05, 0.075))
    assert reference_threshold(KNOWN, np.linspace(-3, 1, 500), 0.05, INDEPENDENT, 8) == pytest.approx(raised)
    between = (own + raised) / 2
    assert reference_threshold(KNOWN, np.full(9, between), 0.05, INDEPENDENT, 8) == pytest.approx(between)


@pytest.mark.parametrize(
    ("count", "groups", "placed"), [(0, 2, False), (2, 2, True), (4, 3, True), (0, 1, True)]
)
def test_references_place_the_threshold_of_a_few_pictures(count, groups, placed):
    statistics = np.random.default_rng(1).normal(size=(count, 3))
    calibration = fit_ood_calibration(statistics, 0.05, groups)
    references = np.linspace(-9, -5, 100)
    found, _ = place_threshold(calibration, statistics, references, 0.05, groups, lambda: INDEPENDENT)
    assert count < FEWEST
    assert found.threshold == (pytest.approx(references_begin(references)) if placed else -np.inf)


def test_nothing_may_be_refused_and_probabilities_stay():
    statistics = np.random.default_rng(1).normal(size=(40, 3))
    references, calibration = np.linspace(-30, -20, 100), fit_ood_calibration(statistics, 0.05, 8)

    def placed(refused):
        return place_threshold(calibration, statistics, references, refused, 8, lambda: INDEPENDENT)[0]

    assert placed(0.0).threshold == -np.inf
    assert placed(0.0).scale == placed(0.05).scale == pytest.approx(-placed(0.05).threshold)


def test_the_probability_of_being_known_is_logistic_in_the_score():
    assert known_probability(0.0, 3.0) == pytest.approx(1 / (1 + math.exp(-INTERCEPT)))
    odds = known_probability(-3.0, 3.0) / (1 - known_probability(-3.0, 3.0))
    assert math.log(odds) == pytest.approx(INTERCEPT - SLOPE)
    assert known_probability(-1e9, 1.0) == 0
    assert known_probability(1e9, 1.0) == 1
    assert known_probability(5.0, math.inf) == 0.5


def test_the_dial_moves_the_odds_that_a_picture_needs():
    assert strict_threshold(-4.0, 4.0, 0.5) == -4
    assert strict_threshold(-4.0, 4.0, 0.0) == -math.inf
    assert strict_threshold(-4.0, 4.0, 1.0) == math.inf
    assert strict_threshold(-math.inf, 4.0, 0.9) == -math.inf

    def odds(strictness):
        share = known_probability(strict_threshold(-4.0, 4.0, strictness), 4.0)
        return share / (1 - share)

    assert odds(0.75) == pytest.approx(3 * odds(0.5))
    assert odds(0.25) == pytest.approx(odds(0.5) / 3)


def solved(groups, references):
    tasks = [TaskColumns(slice(0, len(groups)), None)]
    return fit_router(
        statistics_of(groups), groups.__getitem__, range(len(groups)), tasks, 0.05, references=references
    )[0]


def test_a_router_is_read_with_its_evidence_and_one_of_an_earlier_version_with_its_threshold():
    rng = np.random.default_rng(3)
    groups = [normalize(rng.normal(size=D) + 0.3 * rng.normal(size=(12, D))) for _ in range(3)]
    router = solved(groups, normalize(rng.normal(size=(50, D))))
    arrays = router.to_arrays()
    again = Router.from_arrays(arrays, 3, D).ood
    assert again.calibration.scale == router.ood.calibration.scale
    assert len(again.evidence.known) == 36
    assert len(again.evidence.references) == 50
    earlier = {name: array for name, array in arrays.items() if "_scores" not in name and name != "scale"}
    kept = Router.from_arrays(earlier, 3, D).ood
    assert kept.threshold == router.ood.threshold
    assert kept.calibration.scale == pytest.approx(-router.ood.threshold)
    assert len(kept.evidence.known) == len(kept.evidence.references) == 0


def test_a_burst_refuses_fewer_pictures_of_its_object_with_references_and_still_the_world():
    rng = np.random.default_rng(4)
    objects = 2 * rng.normal(size=(4, D))
    groups = [normalize(one + 0.05 * np.cumsum(rng.normal(size=(20, D)), axis=0)) for one in objects]
    elsewhere = np.concatenate([normalize(one + 0.6 * rng.normal(size=(30, D))) for one in objects])
    world = normalize(2 * rng.normal(size=(200, D)))

    def refused(router, z):
        return (router.ood.score(z, router.scores(z)[1]) < router.ood.threshold).mean()

    alone, anchored = solved(groups, None), solved(groups, normalize(2 * rng.normal(size=(300, D))))
    assert refused(anchored, elsewhere) < refused(alone, elsewhere)
    assert refused(anchored, world) > 0.95
