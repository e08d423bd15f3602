import numpy as np
import pytest
from tests.benchmarks.oracle import best_on_test_pictures, markdown, measure

from edge_tosca.bench.baselines import nearest_mean
from edge_tosca.bench.data import protocol
from edge_tosca.features.normalization import normalize
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 30


@pytest.fixture(scope="module")
def overlapping():
    """Four classes of 4 to 16 pictures that no classifier can separate without errors."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(4, D))
    counts = (4, 8, 12, 16)
    groups = [centre + 2 * rng.normal(size=(n, D)) for centre, n in zip(centres, counts, strict=True)]
    truth = np.repeat(np.arange(4), 60)
    test = centres[truth] + 2 * rng.normal(size=(len(truth), D))
    return [rows.astype(np.float32) for rows in groups], test.astype(np.float32), truth


def by_discriminant(groups, test, shrinkage):
    z = [normalize(rows).astype(np.float64) for rows in groups]
    means = np.stack([rows.mean(axis=0) for rows in z])
    residuals = np.concatenate([rows - mean for rows, mean in zip(z, means, strict=True)])
    within = residuals.T @ residuals / len(residuals)
    inverse = np.linalg.inv((1 - shrinkage) * within + shrinkage * np.trace(within) / D * np.eye(D))
    scores = normalize(test) @ inverse @ means.T - np.einsum("gd,de,ge->g", means, inverse, means) / 2
    return scores.argmax(axis=1)


def by_kernel(groups, test, width, penalty):
    z = np.concatenate([normalize(rows) for rows in groups]).astype(np.float64)
    counts = np.array([len(rows) for rows in groups])
    labels = np.repeat(np.arange(len(groups)), counts)

    def squares(a):
        return ((a[:, None] - z[None]) ** 2).sum(axis=2)

    median = np.median(squares(z))
    kernel = np.exp(-width * squares(z) / median) + np.diag(penalty * counts[labels] / counts.mean())
    dual = np.linalg.solve(kernel, np.eye(len(groups))[labels] - 1 / len(groups))
    return (np.exp(-width * squares(normalize(test).astype(np.float64)) / median) @ dual).argmax(axis=1)


def test_the_answers_of_one_of_the_classifiers_are_found_where_the_truth_is_just_that(overlapping):
    groups, test, truth = overlapping
    answers = {
        "nearest mean": nearest_mean(groups, test),
        "discriminant": by_discriminant(groups, test, 0.4),
        "another one": by_discriminant(groups, test, 0.05),
        "kernel": by_kernel(groups, test, 2.0, 0.1),
    }
    # They differ, so one cannot stand for another.
    assert len({some.tobytes() for some in answers.values()}) == len(answers)
    for some in answers.values():
        np.testing.assert_array_equal(best_on_test_pictures(groups, test, some), some)
    best = (best_on_test_pictures(groups, test, truth) == truth).mean()
    assert best >= max((some == truth).mean() for some in answers.values())


def test_the_bound_is_found_once_for_all_task_sizes_and_lies_above_the_nearest_mean(tools, silent):
    bounds = measure([tools], FeatureExtractor(), [2, 3], [6, None], 1, silent)
    assert [(bound.shots, bound.task_size) for bound in bounds] == [(6, 2), (6, 3), (None, 2), (None, 3)]
    assert len({(bound.shots, bound.best) for bound in bounds}) == 2
    for bound in bounds:
        drawn = protocol(tools, bound.task_size, bound.shots, 0)
        assert bound.best >= np.mean(nearest_mean(drawn.groups, drawn.test) == drawn.truth)
        # Six overlapping clusters: far above chance.
        assert bound.router > 2 / 6
    assert "| tools | 3 | all | " in markdown(bounds)
