"""Cameras that are added in the console outlive it, and a spoilt list of them costs no start."""

import logging
import stat

import pytest

from edge_tosca.console.app_state.added_cameras import AddedCameras

ADDRESS = "rtsp://admin:hunter2@127.0.0.1:9/live"


def test_what_was_added_is_there_at_the_next_start_and_for_its_owner_alone(tmp_path):
    kept = AddedCameras(tmp_path / "shop.tosca")
    assert kept.read() == {}
    kept.add("yard", ADDRESS)
    kept.add("bench", "0")
    assert list(AddedCameras(tmp_path / "shop.tosca").read().items()) == [("yard", ADDRESS), ("bench", "0")]
    assert stat.S_IMODE((tmp_path / "shop.tosca.cameras").stat().st_mode) == 0o600
    kept.remove("yard")
    kept.remove("never there")
    assert kept.read() == {"bench": "0"}


def test_a_link_to_the_store_has_the_same_cameras(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "shop.tosca")
    AddedCameras(tmp_path / "link").add("yard", ADDRESS)
    assert AddedCameras(tmp_path / "shop.tosca").read() == {"yard": ADDRESS}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "added": 3}'])
def test_a_spoilt_list_is_a_line_that_shows_nothing_of_it(tmp_path, caplog, content):
    (tmp_path / "shop.tosca.cameras").write_text(content)
    with caplog.at_level(logging.WARNING):
        assert AddedCameras(tmp_path / "shop.tosca").read() == {}
    assert caplog.messages == ["shop.tosca.cameras cannot be read; cameras added in the console are missing"]
