"""Examine the runtimes: which are installed, and which devices they support."""

import os
from collections.abc import Iterator
from pathlib import Path

from edge_tosca.devices.findings import Finding
from edge_tosca.devices.processor import Machine
from edge_tosca.errors import MissingExtraError
from edge_tosca.runtime.no_telemetry import import_onnxruntime, import_openvino

_INSTALL = "pip install 'edge-tosca[openvino]'"


def examine_runtimes(machine: Machine, root: Path = Path("/")) -> Iterator[Finding]:
    """List the runtimes with their devices, and find out why an NPU cannot be used.

    Args:
        machine: this machine.
        root: the folder that holds dev and sys.

    Yields:
        The findings.
    """
    onnxruntime = import_onnxruntime()
    yield Finding(
        "onnxruntime",
        True,
        f"{onnxruntime.__version__} on CPU",
        values={"version": onnxruntime.__version__, "devices": ["CPU"]},
    )
    devices: dict[str, str] = {}
    version = ""
    try:
        openvino = import_openvino()
    except MissingExtraError:
        remedy = f"required for the NPU: {_INSTALL}" if machine.npu else ""
        yield Finding(
            "openvino", True, "not installed", remedy, {"version": None, "devices": []}, measured=False
        )
    else:
        core = openvino.Core()
        devices = {name: core.get_property(name, "FULL_DEVICE_NAME") for name in core.available_devices}
        version = openvino.__version__.split("-")[0]
        listed = ", ".join(f"{kind} ({' '.join(name.split())})" for kind, name in devices.items())
        yield Finding(
            "openvino",
            bool(devices),
            f"{version} on {listed or 'no device'}",
            "" if devices else f"install it again: {_INSTALL}",
            {"version": version, "devices": list(devices)},
        )
    if machine.npu:
        yield _npu(machine, root, version, any(name.startswith("NPU") for name in devices))


def _npu(machine: Machine, root: Path, openvino: str, offered: bool) -> Finding:
    values = {"pci": machine.npu, "usable": offered}
    nodes = sorted(root.glob("dev/accel/accel*"))
    if offered:
        return Finding("npu", True, f"{machine.npu}, supported by openvino {openvino}", "", values)
    if not nodes:
        detail = f"{machine.npu} is present, but not /dev/accel/accel0: its driver is not loaded"
        remedy = (
            "sudo modprobe intel_vpu; where that fails, install Linux 6.8 or later and Intel's NPU firmware"
        )
    elif not any(os.access(node, os.R_OK | os.W_OK) for node in nodes):
        detail = f"{machine.npu}: this user may not open /dev/accel/{nodes[0].name}"
        remedy = "sudo usermod -aG render $USER, and log in again"
    elif not openvino:
        detail, remedy = f"{machine.npu} is present and unused", _INSTALL
    else:
        detail = f"{machine.npu} is present, but openvino {openvino} does not list it"
        remedy = "install Intel's user-space driver: https://github.com/intel/linux-npu-driver/releases"
    # The check passes, since the device works without the NPU.
    return Finding("npu", True, detail, remedy, values)
