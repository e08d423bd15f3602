import pytest
from tests.torture.verbs import DIMENSIONS, teach

from edge_tosca.store.store import Store


@pytest.fixture
def shop(tmp_path, plain):
    store = Store.create(tmp_path / "shop.tosca", {**plain, "feature_dim": str(DIMENSIONS)})
    teach(store, "first", {"mug": 4, "pen": 4})
    yield store
    store.close()
