"""What a machine's processor is, which int8 instructions it has, and whether an NPU stands beside it."""

import platform
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.runtime.hardware import int8_instructions

# PCI class 12h, "processing accelerator": Linux's intel_vpu drives Intel's.
_ACCELERATOR, _INTEL = "0x120000", "0x8086"


@dataclass(frozen=True)
class Machine:
    """What the operating system says of a machine.

    Attributes:
        board: the device tree's model, for example "Raspberry Pi 5 Model B Rev 1.0"; empty without one.
        architecture: "aarch64", "x86_64" or another.
        cpu: the processor's name, empty where it is not given.
        int8: those of `edge_tosca.runtime.hardware.INT8_FLAGS` that the processor has.
        npu: PCI identifier of an Intel NPU, for example "0x643e"; empty without one.
    """

    board: str
    architecture: str
    cpu: str
    int8: tuple[str, ...]
    npu: str

    @property
    def name(self) -> str:
        """What to call it: the board, the processor or the architecture, whichever is known."""
        return self.board or self.cpu or self.architecture


def read_machine(root: Path = Path("/"), architecture: str | None = None) -> Machine:
    """Find out what machine this is.

    Args:
        root: the folder that holds proc and sys.
        architecture: what platform.machine() gives; asked where None.

    Returns:
        The machine; what cannot be read is left empty.
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
        Its text without the white space and the NUL (device tree) at its ends; empty where it cannot be read.
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
