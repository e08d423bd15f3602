"""Identify the processor and its int8 instructions, on which a runtime's choice of kernels depends."""

import hashlib
import platform
from pathlib import Path

INT8_FLAGS = ("asimddp", "i8mm", "avx_vnni", "avx512_vnni", "amx_int8")
"""Names in /proc/cpuinfo of instructions that multiply and accumulate int8 in one step."""

_CPUINFO = Path("/proc/cpuinfo")
_IDENTIFYING = (
    "model name",
    "cpu family",
    "model",
    "stepping",
    "flags",
    "Features",
    "CPU implementer",
    "CPU part",
    "CPU variant",
)


def processor() -> str:
    """Return a short name that differs between processors with different instructions.

    Returns:
        The machine's architecture and a digest of its processors' models and features.
    """
    # A set, since the cores of one board may be of two kinds and their number does not matter.
    lines = {line for line in _cpuinfo().splitlines() if line.partition(":")[0].strip() in _IDENTIFYING}
    identity = "\n".join(sorted(lines)) or platform.processor()
    return f"{platform.machine()} {hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def int8_instructions(cpuinfo: str) -> tuple[str, ...]:
    """List the int8 instructions of a processor.

    Args:
        cpuinfo: content of /proc/cpuinfo.

    Returns:
        The entries of INT8_FLAGS that it has.
    """
    entries = (line.partition(":") for line in cpuinfo.splitlines())
    flags = {
        flag
        for key, _, value in entries
        if key.strip().lower() in ("flags", "features")
        for flag in value.split()
    }
    return tuple(flag for flag in INT8_FLAGS if flag in flags)


def int8_overflows() -> bool:
    """Return whether this processor adds pairs of int8 products in 16 bits, which can overflow.

    Returns:
        True on x86 without VNNI, whose one int8 instruction is VPMADDUBSW (oneDNN, "Nuances of int8
        computations").
    """
    return platform.machine().lower() in ("x86_64", "amd64") and not int8_instructions(_cpuinfo())


def _cpuinfo() -> str:
    try:
        return _CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
