"""Name the processor, since the kernels that a runtime picks depend on what it can do."""

import hashlib
import platform
from pathlib import Path

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
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    # A set: the cores of one board may be of two kinds, and they come in any number.
    telling = {line for line in lines if line.partition(":")[0].strip() in _TELLING}
    what = "\n".join(sorted(telling)) or platform.processor()
    return f"{platform.machine()} {hashlib.sha256(what.encode()).hexdigest()[:16]}"
