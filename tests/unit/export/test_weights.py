"""Weights come from a file, a package or the hub; pickled code never runs, and errors are one line."""

import os
import pickle
import socket

import pytest
import timm
import torch
from safetensors.torch import save_file

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export.catalog import find_backbone
from edge_tosca.export.model import build_model
from edge_tosca.export.weights import load_state

TINY = "test_efficientnet"


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return timm.create_model(TINY, pretrained=False).state_dict()


def refusal(call, *arguments):
    with pytest.raises(EdgeToscaError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model": s}]
)
def test_a_torch_checkpoint_is_read_in_its_usual_wrappings(tmp_path, state, wrap):
    path = tmp_path / "weights.pth"
    torch.save(wrap({f"module.{key}": value for key, value in state.items()}), path)
    loaded = load_state(path)
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


def test_a_safetensors_file_is_read(tmp_path, state):
    path = tmp_path / "weights.safetensors"
    save_file(state, path)
    assert load_state(path).keys() == state.keys()


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_with_code_is_refused_and_its_code_does_not_run(tmp_path, state):
    path, trace = tmp_path / "weights.pth", tmp_path / "the code ran"
    torch.save({"state_dict": state, "extra": Malicious(trace)}, path)
    assert "run code" in refusal(load_state, path)
    path.write_bytes(pickle.dumps(Malicious(trace)))
    refusal(load_state, path)
    assert not trace.exists()


def test_what_is_no_checkpoint_is_refused(tmp_path):
    for name, data in [("a.pth", b"text"), ("b.safetensors", b"text"), ("c.bin", b"")]:
        (tmp_path / name).write_bytes(data)
        assert name in refusal(load_state, tmp_path / name)
    torch.save([1, 2, 3], tmp_path / "list.pth")
    assert "state_dict" in refusal(load_state, tmp_path / "list.pth")
    assert "no such weights file" in refusal(load_state, tmp_path / "none.pth")


def test_weights_of_another_model_are_refused(tmp_path, state):
    path = tmp_path / "other.safetensors"
    save_file(dict(list(state.items())[5:]), path)
    assert "conv_stem.weight and 4 more missing" in refusal(build_model, find_backbone(TINY), path)
    save_file({**state, "extra.weight": torch.zeros(1)}, path)
    assert "extra.weight unknown" in refusal(build_model, find_backbone(TINY), path)
    first = next(key for key, value in state.items() if value.ndim == 4)
    save_file({**state, first: torch.zeros(1, 2, 3, 3)}, path)
    assert f"{first} of another shape" in refusal(build_model, find_backbone(TINY), path)


def test_a_position_table_of_another_resolution_is_resampled(tmp_path):
    path = tmp_path / "weights.safetensors"
    larger = timm.create_model("test_vit", pretrained=False, img_size=240)
    save_file(larger.state_dict(), path)
    assert build_model(find_backbone("test_vit"), path).preprocessing.size == 160


def test_an_unknown_model_is_named_with_similar_ones():
    assert "similar: " in refusal(build_model, find_backbone("efficientnet_lite77"))


def test_a_hub_out_of_reach_is_one_line_that_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    message = refusal(build_model, find_backbone("test_vit"))
    assert "out of reach" in message
    assert "--weights FILE" in message
