import numpy as np

from edge_tosca.features.farthest_points import farthest_points


def on_circle(*degrees):
    """Unit vectors by their angle."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_each_next_one_is_the_farthest_from_those_chosen():
    # From 0 the farthest is 180, then 100 (80 away from 180), then 250 (70 from 180).
    z = on_circle(0, 10, 100, 180, 190, 250)
    assert farthest_points(z, 2).tolist() == [0, 3]
    assert farthest_points(z, 3).tolist() == [0, 2, 3]
    assert farthest_points(z, 4).tolist() == [0, 2, 3, 5]


def test_few_are_all_kept():
    assert farthest_points(on_circle(0, 1, 2), 3).tolist() == [0, 1, 2]
    assert farthest_points(np.zeros((0, 2)), 3).tolist() == []
