"""The Hypothesis profile of the unit tests, and a store that is empty yet."""

import pytest
from hypothesis import settings

from edge_tosca.store.store import Store

# Other programs share the processor, so no deadline; the same examples on every run, so no luck.
settings.register_profile("unit", deadline=None, derandomize=True, database=None)
settings.load_profile("unit")

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
