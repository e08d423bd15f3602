"""Below 100 pictures a class a module is fitted once, and the router decides."""

import numpy as np
import pytest

from edge_tosca import Learner
from edge_tosca.learner import task_training
from edge_tosca.learner.task_training import CROSS_FITTED, is_cross_fitted, train_task_module
from edge_tosca.tosca.training import fit

WIDTH = 24


def classes(count, pictures, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.gamma(1.0, 1.0, WIDTH) + rng.normal(size=(pictures, WIDTH)) for _ in range(count)]


@pytest.mark.parametrize(
    ("pictures", "expected"), [(5, False), (CROSS_FITTED - 1, False), (CROSS_FITTED, True)]
)
def test_evidence_begins_at_a_hundred_pictures_a_class(pictures, expected):
    module, cosines = train_task_module(classes(2, pictures))
    assert is_cross_fitted(cosines) == expected
    assert cosines.shape == (2 * pictures, 2)
    assert module.prototypes.shape == (2, WIDTH)


def test_the_mean_number_of_pictures_counts():
    few, many = classes(1, 20)[0], classes(1, 200, seed=1)[0]
    assert is_cross_fitted(train_task_module([few, many])[1])


@pytest.mark.parametrize(("cross_fitted", "epochs"), [(13, [8]), (12, [20] * 4)])
def test_where_the_router_decides_one_module_is_trained_for_fewer_epochs(monkeypatch, cross_fitted, epochs):
    found = []

    def noted(x, labels, number, training, **options):
        found.append(training.epochs)
        return fit(x, labels, number, training, **options)

    monkeypatch.setattr(task_training, "fit", noted)
    train_task_module(classes(3, 12), cross_fitted=cross_fitted)
    assert found == epochs


def test_a_task_of_one_class_has_no_evidence():
    assert not is_cross_fitted(train_task_module(classes(1, 150))[1])


def test_the_report_says_that_the_router_decides(tmp_path):
    learner = Learner.create(tmp_path / "shop.tosca")
    rng = np.random.default_rng(0)
    taught = {name: rng.gamma(1.0, 1.0, 1904) + rng.normal(size=(6, 1904)) for name in ("cup", "mug")}
    report = learner.learn_features(taught, force=True)
    assert report.to_json()["module"]["cross_fitted"] is False
    # Whatever weight other tasks' modules get, this one has shown nothing.
    features = np.concatenate(list(taught.values())).astype(np.float32)
    before = learner.model.posterior(features)
    object.__setattr__(learner.model.router, "module_weight", 1.0)
    assert np.array_equal(learner.model.posterior(features), before)
