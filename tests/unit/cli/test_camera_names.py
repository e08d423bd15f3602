"""Cameras by name from options, a file or the environment; a password is in no message."""

import pytest
import typer

from edge_tosca.addresses import without_addresses
from edge_tosca.cli.addresses import given_cameras
from edge_tosca.errors import EdgeToscaError

SECRET = "rtsp://me:hunter2@192.0.2.7/live?token=abc"


@pytest.fixture(autouse=True)
def no_camera(monkeypatch):
    monkeypatch.delenv("EDGE_TOSCA_CAMERA", raising=False)


def given(cameras=None, file=None):
    return given_cameras(None, cameras, file)


def test_an_address_without_a_name_is_the_camera_main():
    assert given(["0"]) == {"main": "0"}
    assert given(["frames.mjpeg?fps=15&loop=1"]) == {"main": "frames.mjpeg?fps=15&loop=1"}
    assert given([SECRET]) == {"main": SECRET}
    assert given(None) == given([""]) == {}


def test_the_name_is_what_stands_before_the_first_equals_sign():
    found = given([f"gate={SECRET}", "bench=0", "the_3-rd=frames.mjpeg?fps=15", "folder"])
    assert found == {
        "gate": SECRET,
        "bench": "0",
        "the_3-rd": "frames.mjpeg?fps=15",
        "main": "folder",
    }


def test_two_cameras_of_one_name_are_wrong_usage():
    for cameras in (["0", "1"], ["gate=0", "gate=1"], ["main=0", "1"]):
        with pytest.raises(typer.BadParameter, match="two cameras have the name"):
            given(cameras)


def test_a_file_holds_one_address_or_a_line_for_each_name(tmp_path, monkeypatch):
    file = tmp_path / "cameras"
    file.write_text(f"{SECRET}\n")
    assert given(None, file) == {"main": SECRET}
    file.write_text(f"gate={SECRET}\n\nbench=0\n")
    assert given(None, file) == {"gate": SECRET, "bench": "0"}
    file.write_text("0\n1\n")
    with pytest.raises(EdgeToscaError, match="holds 2 lines"):
        given(None, file)
    with pytest.raises(typer.BadParameter, match="not both"):
        given(["0"], file)
    monkeypatch.setenv("EDGE_TOSCA_CAMERA", "yard=0")
    assert given(None) == {"yard": "0"}
    assert given(["1"]) == {"main": "1"}


@pytest.mark.parametrize("word", [f"gate={SECRET}", f"--camera=gate={SECRET}", f"--camera={SECRET}", SECRET])
def test_an_address_behind_a_name_is_redacted_in_messages(word):
    shown = without_addresses(f"no such file: {word}; and {SECRET} once more", ["serve", word])
    assert "hunter2" not in shown and "abc" not in shown
