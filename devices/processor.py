"""What a machine's processor is and which int8 instructions it has."""

import platform
from dataclasses import dataclass
from pathlib import Path

INT8_FLAGS = ("asimddp", "i8mm", "avx_vnni", "avx512_vnni", "amx_int8")
"""Names in /proc/cpuinfo of the instructions that multiply and add int8 in one step."""


@dataclass(frozen=True)
class Machine:
    """What the operating system says of a machine.

    Attributes:
        board: the device tree's model, for example "Raspberry Pi 5 Model B Rev 1.0"; empty without one.
        architecture: "aarch64", "x86_64" or another.
        cpu: the processor's name, empty where it is not given.
        int8: those of INT8_FLAGS that the processor has.
        npu: an Intel NPU's driver is loaded.
    """

    board: str
    architecture: str
    cpu: str
    int8: tuple[str, ...]
    npu: bool


def read_machine(
    device_tree: str | None = None,
    architecture: str | None = None,
    cpuinfo: str | None = None,
    npu: bool | None = None,
) -> Machine:
    """Find out what machine this is.

    Args:
        device_tree: text of /proc/device-tree/model; this and the others are read where None.
        architecture: what platform.machine() gives.
        cpuinfo: text of /proc/cpuinfo.
        npu: an Intel NPU is there.

    Returns:
        The machine; what cannot be read is left empty.
    """
    board = _text("/proc/device-tree/model") if device_tree is None else device_tree
    info = _text("/proc/cpuinfo") if cpuinfo is None else cpuinfo
    entries = [
        (key.strip().lower(), value.strip())
        for key, _, value in (line.partition(":") for line in info.splitlines())
    ]
    flags = {flag for key, value in entries if key in ("flags", "features") for flag in value.split()}
    return Machine(
        # A device tree's strings end with a NUL.
        board=board.rstrip("\0\n ").strip(),
        architecture=(architecture or platform.machine()).lower(),
        cpu=next((value for key, value in entries if key == "model name"), ""),
        int8=tuple(flag for flag in INT8_FLAGS if flag in flags),
        npu=_has_intel_npu() if npu is None else npu,
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _has_intel_npu() -> bool:
    # The kernel's intel_vpu driver offers each NPU as /dev/accel/accel0, ... (Linux, accel subsystem).
    return any(Path("/sys/bus/pci/drivers/intel_vpu").glob("0*"))
