"""What the gate counts of held-out pictures: named right, named wrong, unknown."""

import numpy as np
import pytest

from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.quality.held_out_outcomes import in_all, kept_outcomes, outcomes_by_class
from edge_tosca.store.state import State, Task, TaskClass


@pytest.fixture
def state():
    groups = tuple(TaskClass(place, label, 3, place) for place, label in enumerate(("cat", "dog")))
    return State(1, (Task(1, "task 1", "", "", groups),))


@pytest.fixture
def held_out():
    posterior = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    return HeldOut(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), posterior, np.zeros((4, 3)))


def test_a_held_out_picture_called_unknown_is_not_named(state, held_out):
    unknown = np.array([True, False, False, False])
    found = outcomes_by_class(state, held_out, unknown)
    assert found == {"cat": (1, 1, 1), "dog": (1, 0, 0)}
    assert in_all(found).counts == {"named_right": 2, "named_wrong": 1, "unknown": 1}
    assert in_all(found, ["dog"]).named_right == 1


def test_only_some_of_the_pictures_are_counted(state, held_out):
    of = np.array([True, False, False, False])
    assert outcomes_by_class(state, held_out, np.zeros(4, bool), of) == {"cat": (1, 0, 0)}


def test_where_no_picture_was_held_out_there_are_no_outcomes():
    assert in_all({}) is None
    assert in_all({"cat": (1, 0, 0)}, ["dog"]) is None


def test_a_report_of_an_earlier_version_has_no_counts():
    assert kept_outcomes({"accuracy_by_class": {"cat": 1.0}}) == {}
    assert kept_outcomes({"outcomes_by_class": {"cat": [1, 2, 3]}}) == {"cat": (1, 2, 3)}
