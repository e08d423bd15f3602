"""The scikit-learn style estimator: old classes stay, unknown rows are found, scikit-learn takes it."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

from edge_tosca.errors import LearnError
from edge_tosca.learner.estimator import ToscaClassifier

D = 96


def rows_of(places, count, seed, noise=0.4):
    """Rows around a direction for each class."""
    rng = np.random.default_rng(seed)
    means = np.random.default_rng(9).normal(size=(12, D))
    X = np.concatenate([means[place] + noise * rng.normal(size=(count, D)) for place in places])
    return X, np.repeat(np.array([f"kind {place}" for place in places]), count)


@pytest.fixture(scope="module")
def taught():
    model = ToscaClassifier()
    model.fit(*rows_of((0, 1, 2), 12, seed=1))
    model.partial_fit(*rows_of((3, 4), 12, seed=2))
    return model


def test_classes_that_come_later_leave_the_old_ones(taught):
    X, y = rows_of(range(5), 10, seed=3)
    assert list(taught.classes_) == [f"kind {place}" for place in range(5)]
    assert taught.n_features_in_ == D
    assert taught.score(X, y) == 1.0
    proba = taught.predict_proba(X)
    assert proba.shape == (50, 5)
    assert proba.sum(axis=1) == pytest.approx(np.ones(50))
    assert (taught.classes_[proba.argmax(axis=1)] == taught.predict(X)).all()


def test_rows_of_no_class_are_unknown_and_named_so_where_asked(taught):
    model = ToscaClassifier().fit(*rows_of(range(5), 60, seed=1))
    known, _ = rows_of(range(5), 40, seed=4)
    others, _ = rows_of((8, 9), 20, seed=5)
    # The setting is one known row in twenty. Noise of the same size in all columns is harder: one in eight.
    assert model.predict_unknown(known).mean() <= 0.2
    assert model.predict_unknown(others).mean() >= 0.9
    named = copy.deepcopy(model).set_params(unknown_label="other").predict(others)
    assert (named == "other").mean() >= 0.9
    assert set(model.predict(others)) <= set(model.classes_)


def test_a_pickle_answers_alike_and_learns_on(taught):
    X, _ = rows_of(range(5), 4, seed=6)
    again = pickle.loads(pickle.dumps(taught))
    assert np.array_equal(again.predict_proba(X), taught.predict_proba(X))
    again.partial_fit(*rows_of((6,), 12, seed=7))
    assert len(again.classes_) == 6
    assert len(taught.classes_) == 5


def test_labels_may_be_numbers_and_columns_may_be_announced():
    X, y = rows_of((0, 1), 8, seed=1)
    numbers = np.where(y == "kind 0", 7, -3)
    model = ToscaClassifier().partial_fit(X, numbers, classes=[-3, 5, 7])
    assert list(model.classes_) == [-3, 5, 7]
    proba = model.predict_proba(X)
    assert (proba[:, 1] == 0).all()
    assert (model.predict(X) == numbers).all()


def test_fitting_again_forgets():
    model = ToscaClassifier().fit(*rows_of((0, 1), 6, seed=1))
    model.fit(*rows_of((2, 3), 6, seed=1))
    assert list(model.classes_) == ["kind 2", "kind 3"]


def test_settings_are_those_of_the_constructor():
    model = ToscaClassifier(refused=0.1)
    assert model.get_params() == {"refused": 0.1, "router": "fused", "unknown_label": None}
    assert repr(model) == "ToscaClassifier(refused=0.1)"
    with pytest.raises(LearnError, match="the parameters are refused"):
        model.set_params(depth=3)


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ([[1.0, np.nan]], ["a"], "NaN"),
        ([[1.0, 2.0]], ["a", "b"], "a label for each"),
        ([1.0, 2.0], ["a", "b"], "2D array"),
        ([[1.0, 2.0]], [0.5], "whole numbers"),
    ],
)
def test_what_cannot_be_learned_is_refused(X, y, words):
    with pytest.raises(LearnError, match=words):
        ToscaClassifier().fit(X, y)
    with pytest.raises(ValueError, match=words):
        ToscaClassifier().fit(X, y)


def test_an_answer_before_the_first_lesson_and_rows_of_another_width_are_refused(taught):
    with pytest.raises(ValueError, match="not fitted yet"):
        ToscaClassifier().predict([[1.0, 2.0]])
    with pytest.raises(LearnError, match="is expecting 96 features"):
        taught.predict([[1.0, 2.0]])


def test_scikit_learns_own_checks_pass():
    # Before 1.6 the checks could not be listed.
    pytest.importorskip("sklearn", minversion="1.6")
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    with warnings.catch_warnings():
        # Checks that need pandas or the array API are skipped with a warning.
        warnings.simplefilter("ignore")
        found = checks.check_estimator(ToscaClassifier(), on_fail=None, on_skip=None)
    failed = [f"{one['check_name']}: {one['exception']!r}" for one in found if one["status"] == "failed"]
    assert failed == []
    assert sum(one["status"] == "passed" for one in found) >= 50


def test_it_needs_no_scikit_learn_and_no_backbone():
    code = (
        "import sys\n"
        "sys.modules['sklearn'] = sys.modules['onnxruntime'] = None\n"
        "import numpy as np\n"
        "from edge_tosca.learner.estimator import ToscaClassifier\n"
        "X = np.eye(8).repeat(4, 0) + np.random.default_rng(0).normal(size=(32, 8)) / 20\n"
        "y = np.arange(8).repeat(4)\n"
        "print(ToscaClassifier().fit(X, y).score(X, y))\n"
        "try:\n    ToscaClassifier().predict(X)\n"
        "except ValueError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("1.0\nthis ToscaClassifier instance is not fitted yet")
