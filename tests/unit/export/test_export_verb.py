"""What the command line says about backbones, and how it refuses what makes no sense."""

import json
import subprocess
import sys

import pytest

from edge_tosca.export.catalog import CATALOG


def export(*arguments):
    command = [sys.executable, "-m", "edge_tosca", "export", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_list_names_every_backbone_with_size_licence_and_speed():
    listed = json.loads(export("--list", "--json").stdout)["backbones"]
    assert [entry["name"] for entry in listed] == [known.name for known in CATALOG]
    for entry in listed:
        assert entry["parameters"] > 1e6
        assert entry["licence"] == "Apache-2.0"
        assert entry["feature"] and entry["weights"] and entry["input_size"] >= 224
        assert {"fp32", "int8", "openvino", "trained"} == entry["speed"].keys()
    text = export("--list").stdout
    assert all(known.name in text for known in CATALOG)
    assert "not measured" in text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "--out DIR"),
        (["efficientnet_lite0", "--out", "OUT", "--feature", "x"], 1, "for an ONNX file"),
        (["none.onnx", "--out", "OUT"], 1, "--feature NAME"),
        (["none.onnx", "--out", "OUT", "--feature", "x", "--size", "32"], 1, "no such ONNX file"),
        (
            ["none.onnx", "--out", "OUT", "--feature", "x", "--size", "32", "--mean", "0.5"],
            1,
            "three numbers",
        ),
        (["none.onnx", "--out", "OUT", "--feature", "x", "--size", "32", "--crop", "2"], 1, "at most 1"),
        (["none.onnx", "--out", "OUT", "--feature", "x", "--size", "32", "--std", "0,1,1"], 1, "above 0"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(tmp_path, arguments, code, said):
    done = export(*[tmp_path / "out" if part == "OUT" else part for part in arguments])
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
