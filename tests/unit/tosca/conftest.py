import numpy as np
import pytest

from edge_tosca.features.normalization import module_input, normalize


@pytest.fixture(scope="session")
def make_task():
    """Features of a task whose classes overlap, as `module_input` gives them, and their labels."""

    def make(classes=4, shots=8, d=64, seed=0):
        rng = np.random.default_rng(seed)
        centres = np.repeat(rng.normal(size=(classes, d)), shots, axis=0)
        features = centres + 1.5 * rng.normal(size=centres.shape)
        return module_input(normalize(features)), np.repeat(np.arange(classes), shots)

    return make
