"""Detect a machine's board, processor, int8 instructions and NPU."""

import platform
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.runtime.hardware import int8_instructions

# PCI class 12h, "processing accelerator"; the Linux driver for Intel's is intel_vpu.
_ACCELERATOR, _INTEL = "0x120000", "0x8086"


@dataclass(frozen=True)
class Machine:
    """A machine's hardware, as the operating system reports it.

    Attributes:
        board: the device tree's model, for example "Raspberry Pi 5 Model B Rev 1.0"; empty without one.
        architecture: "aarch64", "x86_64" or another.
        cpu: the processor's name; empty where it is unknown.
        int8: the entries of `edge_tosca.runtime.hardware.INT8_FLAGS` that the processor has.
        npu: PCI identifier of an Intel NPU, for example "0x643e"; empty without one.
    """

    board: str
    architecture: str
    cpu: str
    int8: tuple[str, ...]
    npu: str

    @property
    def name(self) -> str:
        """The board, else the processor, else the architecture."""
        return self.board or self.cpu or self.architecture


def read_machine(root: Path = Path("/"), architecture: str | None = None) -> Machine:
    """Detect this machine's hardware.

    Args:
        root: the folder that holds proc and sys.
        architecture: as of platform.machine(); None to call it.

    Returns:
        The machine; attributes that cannot be read are empty.
    """
    cpuinfo = text(root / "proc/cpuinfo")
    entries = (line.partition(":") for line in cpuinfo.splitlines())
    names = (value.strip() for key, _, value in entries if key.strip().lower() == "model name")
    return Machine(
        board=text(root / "proc/device-tree/model"),
        architecture=(platform.machine() if architecture is None else architecture).lower(),
        cpu=next(names, ""),
        int8=int8_instructions(cpuinfo),
        npu=_intel_npu(root),
    )


def text(path: Path) -> str:
    """Read a file of /proc or /sys.

    Args:
        path: of the file.

    Returns:
        Its text, stripped of white space and NUL (device tree); empty where it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n\t ")
    except OSError:
        return ""


def _intel_npu(root: Path) -> str:
    for device in sorted(root.glob("sys/bus/pci/devices/*")):
        if text(device / "class") == _ACCELERATOR and text(device / "vendor") == _INTEL:
            return text(device / "device")
    return ""
