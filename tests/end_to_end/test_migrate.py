"""`edge-tosca migrate`: what it prints, its exit codes, and that remembering has to be asked for."""

import shutil

import pytest


@pytest.fixture
def shop(edge, photos, tmp_path):
    """A store of two tasks, the second one's pictures not remembered, and the folder of its pictures."""
    pictures = shutil.copytree(photos, tmp_path / "pictures")
    store = tmp_path / "shop.tosca"
    assert edge("init", store).code == 0
    assert edge("learn", store, pictures / "task1", "--remember", "--force").code == 0
    assert edge("learn", store, pictures / "task2", "--force").code == 0
    return store, pictures


def test_a_store_that_is_at_home_needs_no_migration(edge, shop):
    ran = edge("migrate", shop[0])
    assert (ran.code, ran.err) == (0, "")
    assert "already" in ran.out


def test_missing_pictures_are_told_by_class_and_then_found(edge, shop, asked, remember):
    pytest.importorskip("openvino", reason="openvino is not installed")
    store, pictures = shop
    lost = pictures / "task1" / "apple" / "001.jpg"
    lost.rename(pictures / "kept.jpg")
    before = remember(store)
    ran = edge("migrate", store, "--runtime", "openvino", "--json")
    assert ran.code == 1
    assert {entry["label"]: (entry["missing"], entry["images"]) for entry in ran.lines[0]["missing"]} == {
        "apple": (1, 8),
        "cone": (8, 8),
        "door": (8, 8),
    }
    words = edge("migrate", store, "--runtime", "openvino")
    assert f"missing apple (task 1): 1 of 8 pictures, such as {lost}" in words.out
    assert "--pictures FOLDER" in words.complaint
    assert remember(store) == before

    shutil.copytree(pictures / "task2", pictures, dirs_exist_ok=True)
    ran = edge("migrate", store, "--runtime", "openvino", "--pictures", pictures, "--json")
    assert (ran.code, ran.json["images"], ran.json["missing"]) == (0, 32, [])
    assert ran.json["generation"] == 3
    # From now on the store opens on OpenVINO by itself.
    answer = edge("predict", store, asked / "cone" / "100.jpg", "--json").json
    assert answer["label"] == "cone"
    entries = edge("history", store, "--json").json["generations"]
    assert [entry["command"] for entry in entries] == ["learn", "learn", "migrate"]
