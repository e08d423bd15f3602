"""Name the processor and what it can do, since the kernels that a runtime picks depend on it."""

import hashlib
import platform
from pathlib import Path

INT8_FLAGS = ("asimddp", "i8mm", "avx_vnni", "avx512_vnni", "amx_int8")
"""Names in /proc/cpuinfo of the instructions that multiply and add int8 in one step."""

_CPUINFO = Path("/proc/cpuinfo")
_TELLING = (
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
    """Give a short name that differs between processors with different instructions.

    Returns:
        The machine's architecture and a digest of what its processors are and can do.
    """
    # A set: the cores of one board may be of two kinds, and they come in any number.
    telling = {line for line in _cpuinfo().splitlines() if line.partition(":")[0].strip() in _TELLING}
    what = "\n".join(sorted(telling)) or platform.processor()
    return f"{platform.machine()} {hashlib.sha256(what.encode()).hexdigest()[:16]}"


def int8_instructions(cpuinfo: str) -> tuple[str, ...]:
    """Find the int8 instructions of a processor.

    Args:
        cpuinfo: what /proc/cpuinfo says.

    Returns:
        Those of INT8_FLAGS that it has.
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
    """Tell whether this processor adds products of int8 in 16 bits, where two of them do not fit.

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
