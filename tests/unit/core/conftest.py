import numpy as np
import pytest
import torch
from hypothesis import settings

from edge_tosca.conditioning import condition, luca_input
from edge_tosca.store import Store

# Other programs share the processor, so no deadline; the same examples on every run, so no luck.
settings.register_profile("core", deadline=None, derandomize=True, database=None)
settings.load_profile("core")

# The tests' arrays are small: a second thread costs more than it gives.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def make_task():
    """Features of a task whose classes overlap, as `luca_input` gives them, and their labels."""

    def make(classes=4, shots=8, d=64, seed=0):
        rng = np.random.default_rng(seed)
        centres = np.repeat(rng.normal(size=(classes, d)), shots, axis=0)
        features = centres + 1.5 * rng.normal(size=centres.shape)
        return luca_input(condition(features)), np.repeat(np.arange(classes), shots)

    return make


SETTINGS = {
    "bundle": "",
    "runtime": "onnxruntime",
    "device": "CPU",
    "fingerprint": "0" * 64,
    "origin": "test",
    "feature_dim": "32",
    "router": "fused",
    "refused": "0.05",
}


@pytest.fixture
def plain():
    """Settings of a store."""
    return dict(SETTINGS)


@pytest.fixture
def store(tmp_path, plain):
    opened = Store.create(tmp_path / "shop.tosca", plain)
    yield opened
    opened.close()
