"""Which pictures are asked about first."""

import numpy as np
import pytest

from edge_tosca.classifier.asking import questions


def on_circle(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_of_equally_similar_pictures_the_one_at_the_border_is_asked_first():
    shares = np.array([[0.9, 0.1], [0.55, 0.45], [0.7, 0.3]])
    found = questions(on_circle(0, 40, 80), shares, np.full(3, 0.5), 1)
    assert [(one.place, one.reason) for one in found] == [(1, "border")]


def test_of_equally_sure_pictures_the_one_farthest_from_what_was_taught_is_asked_first():
    shares = np.full((3, 2), 0.5)
    found = questions(on_circle(0, 40, 80), shares, np.array([0.9, 0.2, 0.6]), 1)
    assert [(one.place, one.reason) for one in found] == [(1, "far")]


def test_the_value_is_the_mean_of_both_ranks():
    # Borders 0.2, 1.0, 0.6 and distances 0.1, 0.5, 0.9: ranks (0 + 0) / 2, (1 + 0.5) / 2, (0.5 + 1) / 2.
    shares = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]])
    first, second, third = questions(on_circle(0, 90, 180), shares, np.array([0.9, 0.5, 0.1]), 3)
    assert (first.place, first.value) == (1, pytest.approx(0.75))
    assert {second.place, third.place} == {0, 2}


def test_what_resembles_a_question_before_it_is_asked_last():
    shares = np.full((3, 2), 0.5)
    found = questions(on_circle(0, 2, 90), shares, np.array([-1.0, -1.0, 0.5]), 3)
    assert [one.place for one in found] == [0, 2, 1]


def test_there_are_no_more_questions_than_pictures_and_one_class_has_no_border():
    assert questions(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), 5) == []
    (only,) = questions(on_circle(0), np.ones((1, 1)), np.array([0.3]), 5)
    assert (only.place, only.value) == (0, 0.0)
