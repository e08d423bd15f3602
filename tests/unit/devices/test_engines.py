"""The runtimes that are here are listed, and an NPU that is not used is told with what to do about it."""

import os
from importlib.metadata import version

import pytest

from edge_tosca.devices import Machine
from edge_tosca.devices.runtime_check import examine_runtimes

NO_NPU = Machine("", "x86_64", "", (), "")
LUNAR_LAKE = Machine("", "x86_64", "", (), "0x643e")


def engines(machine, root):
    return {finding.what: finding for finding in examine_runtimes(machine, root)}


def test_runtimes_are_listed_with_their_versions_and_devices(plant):
    found = engines(NO_NPU, plant({}))
    assert version("onnxruntime") in found["onnxruntime"].detail
    assert "npu" not in found
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    assert found["openvino"].values["version"] in openvino.__version__
    assert "CPU" in found["openvino"].values["devices"]


def test_without_openvino_it_is_offered_only_to_a_box_that_has_an_npu(plant, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    root = plant({"dev/accel/accel0": ""})
    assert engines(NO_NPU, root)["openvino"].remedy == ""
    found = engines(LUNAR_LAKE, root)
    assert "pip install" in found["openvino"].remedy
    assert "pip install" in found["npu"].remedy


def test_an_npu_without_a_driver_is_told(plant):
    finding = engines(LUNAR_LAKE, plant({}))["npu"]
    assert "modprobe intel_vpu" in finding.remedy
    assert finding.values == {"pci": "0x643e", "usable": False}


def test_an_npu_that_this_user_may_not_open_is_told(plant, monkeypatch):
    # Whoever runs the tests may be root, whom no mode stops: the operating system's answer is replaced.
    monkeypatch.setattr(os, "access", lambda path, mode: "accel" not in str(path))
    finding = engines(LUNAR_LAKE, plant({"dev/accel/accel0": ""}))["npu"]
    assert "usermod -aG render" in finding.remedy


def test_an_npu_that_openvino_does_not_offer_is_told(plant):
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    if "NPU" in openvino.Core().available_devices:
        pytest.skip("this machine has an NPU that works")
    finding = engines(LUNAR_LAKE, plant({"dev/accel/accel0": ""}))["npu"]
    assert "linux-npu-driver" in finding.remedy
