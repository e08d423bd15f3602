"""Limits of the process that tries an untrusted bundle."""

import resource
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MEGABYTE = 1 << 20
_SELF = Path("/proc/self")


@dataclass(frozen=True)
class TrialLimits:
    """What loading a bundle and running a few pictures may take, beyond what importing the runtime takes.

    Opening took 2 s of processor time and 3.2 times the file's size for a ViT-B in FP32 (343 MB), 0.6 s and
    130 MB for the built-in backbone of 4 MB, by the hungrier of the two runtimes on an x86 server. OpenVINO
    unpacks the weights of ONNX Runtime's dynamic INT8 to float32: 500 MB for 22 MB, 1360 MB for 83 MB, which
    is 14 times the file's size and 200 MB. A device is up to ten times slower. GPUs and NPUs compile for
    tens of seconds.

    Attributes:
        processor_seconds: of all threads.
        wall_seconds: from the start of the process; much longer, since other programs may be busy.
        bytes: of memory that can be written to.
    """

    processor_seconds: int
    wall_seconds: int
    bytes: int

    @classmethod
    def of(cls, size: int, side: int, device: str) -> "TrialLimits":
        """Compute the limits.

        Args:
            size: bytes of the files that are loaded.
            side: of the input, pixels.
            device: "CPU", "GPU", "NPU" or "AUTO".

        Returns:
            The limits.
        """
        slow = not device.startswith("CPU")
        seconds = (120 if slow else 8) + size // (4 * _MEGABYTE)
        pixels = 3 * side * side * 4
        memory = (1024 if slow else 256) * _MEGABYTE + 16 * size + 100 * pixels
        return cls(seconds, 30 + 3 * seconds, memory)

    def set_here(self) -> None:
        """Limit this process, from what it has used so far; it also may write no file from now on."""
        used = int(time.process_time()) + 1
        # A signal of its own at the first number tells this end from one by the system.
        _lower(resource.RLIMIT_CPU, used + self.processor_seconds, used + self.processor_seconds + 2)
        data = written_bytes()
        if data is not None:
            _lower(resource.RLIMIT_DATA, data + self.bytes, data + self.bytes)
        _lower(resource.RLIMIT_FSIZE, 0, 0)
        _lower(resource.RLIMIT_CORE, 0, 0)


def written_bytes() -> int | None:
    """Return the size of this process's memory that can be written to; None where it is unknown."""
    return _status_bytes(_SELF, "VmData:")


def resident_bytes(process: int) -> int | None:
    """Return the resident memory of a process; None where it is unknown, or the process has ended."""
    return _status_bytes(Path("/proc") / str(process), "VmRSS:")


def _status_bytes(process: Path, key: str) -> int | None:
    try:
        lines = [line.split() for line in (process / "status").read_text().splitlines()]
    except OSError:
        return None
    return next((int(line[1]) << 10 for line in lines if line and line[0] == key), None)


def _lower(which: int, soft: int, hard: int) -> None:
    _, most = resource.getrlimit(which)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    # Where it is forbidden, the parent's watch is left.
    with suppress(OSError, ValueError):
        resource.setrlimit(which, (soft, hard))
