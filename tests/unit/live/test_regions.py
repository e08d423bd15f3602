"""Named regions as a setting of the store."""

import json
from contextlib import closing

import numpy as np
import pytest

from edge_tosca.errors import LearnError, StoreError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.verification import verify
from edge_tosca.live.regions import (
    MOST_REGIONS,
    WHOLE_FRAME,
    NamedRegion,
    put_region,
    read_regions,
    regions_of,
    remove_region,
)
from edge_tosca.runtime.region import Region
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 32
LEFT, RIGHT = Region(0, 0, 0.5, 1), Region(0.5, 0, 0.5, 1)


def pictures(seed, shots=8):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=D) + 0.3 * rng.normal(size=(shots, D))).astype(np.float16)


@pytest.fixture
def shop(store):
    shop = Learner(store, FeatureExtractor())
    shop.learn_features({"mug": pictures(1), "pen": pictures(2), "cup": pictures(3)}, force=True)
    return shop


def test_a_camera_without_regions_is_seen_whole(store):
    assert read_regions(store) == {}
    assert regions_of(read_regions(store), "main") == (WHOLE_FRAME,)


def test_regions_keep_their_order_their_camera_and_survive_a_restart(store):
    put_region(store, "main", "left", LEFT)
    put_region(store, "gate", "whole", Region(0, 0, 1, 1))
    put_region(store, "main", "a right one", RIGHT)
    with closing(Store.open(store.path)) as again:
        found = read_regions(again)
    assert found["main"] == (NamedRegion("left", LEFT), NamedRegion("a right one", RIGHT))
    assert [one.name for one in found["gate"]] == ["whole"]
    (value,) = store.query("SELECT value FROM settings WHERE key = 'regions'")[0]
    assert json.loads(value)["main"][0] == {"name": "left", "box": [0, 0, 0.5, 1], "classes": []}


def test_a_region_is_moved_and_renamed_in_its_place(store):
    put_region(store, "main", "left", LEFT)
    put_region(store, "main", "right", RIGHT)
    put_region(store, "main", "left", Region(0.1, 0, 0.4, 1))
    put_region(store, "main", "port", Region(0.1, 0, 0.4, 1), before="left")
    assert [one.name for one in read_regions(store)["main"]] == ["port", "right"]
    with pytest.raises(LearnError, match="already"):
        put_region(store, "main", "right", LEFT, before="port")
    with pytest.raises(LearnError, match="it has port, right"):
        put_region(store, "main", "new", LEFT, before="old")


def test_the_last_region_removed_leaves_no_setting(store):
    put_region(store, "main", "left", LEFT)
    remove_region(store, "main", "left")
    assert read_regions(store) == {}
    assert store.query("SELECT 1 FROM settings WHERE key = 'regions'") == []
    with pytest.raises(LearnError, match="edge-tosca regions add"):
        remove_region(store, "main", "left")


def test_a_change_is_an_audit_entry_and_no_generation(shop):
    before = shop.store.latest()
    put_region(shop.store, "main", "left", LEFT)
    assert shop.store.latest() == before
    (text,) = shop.store.query("SELECT entry FROM seals ORDER BY number DESC LIMIT 1")[0]
    assert json.loads(text)["command"] == "regions"
    assert not verify(shop.store, solve=False).discrepancies


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a+b", "#", "a?b", "a\nb", "x" * 41])
def test_a_name_that_no_topic_can_have_is_refused(store, name):
    with pytest.raises(LearnError, match="a name has 1 to 40"):
        put_region(store, "main", name, LEFT)


@pytest.mark.parametrize("camera", ["", "a b", "a=b", "ä", "x" * 41])
def test_a_name_that_no_option_can_have_is_refused(store, camera):
    with pytest.raises(LearnError, match="A-Z"):
        put_region(store, camera, "left", LEFT)


def test_there_is_an_end_to_regions(store):
    for number in range(MOST_REGIONS):
        put_region(store, "main", f"r{number}", LEFT)
    with pytest.raises(LearnError, match="at most 16"):
        put_region(store, "main", "one more", LEFT)


def test_a_region_bound_to_classes_follows_their_names_and_forgets_with_them(shop):
    put_region(shop.store, "main", "gate", LEFT, ["mug", "pen"])
    shop.rename("mug", "beaker")
    (gate,) = read_regions(shop.store)["main"]
    assert gate.labels(shop.state) == {"beaker", "pen"}
    shop.forget("pen")
    assert gate.labels(shop.state) == {"beaker"}
    shop.forget("beaker")
    # Not None, which would be all classes.
    assert gate.labels(shop.state) == frozenset()
    put_region(shop.store, "main", "other", RIGHT)
    assert read_regions(shop.store)["main"][0].labels(shop.state) == frozenset()
    with pytest.raises(LearnError, match="no class 'pen'"):
        put_region(shop.store, "main", "gate", LEFT, ["pen"])


@pytest.mark.parametrize(
    "value",
    [
        '{"main": 3}',
        '{"main": [{"name": "a/b", "box": [0,0,1,1], "classes": []}]}',
        '{"main": [{"name": "a", "box": [0,0,2,1], "classes": []}]}',
        "[]",
        "x",
    ],
)
def test_a_damaged_setting_is_a_damaged_store(store, value):
    with store.transaction():
        store.set_setting("regions", value)
    with pytest.raises(StoreError, match="damaged"):
        read_regions(store)
