import pytest

from edge_tosca.runtime import Bundle, open_backend


@pytest.fixture(scope="session")
def bundle():
    return Bundle.load()


@pytest.fixture(scope="session")
def backend(bundle):
    return open_backend(bundle, threads=1)
