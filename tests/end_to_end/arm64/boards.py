"""The boards that are emulated, as Linux describes their processor cores."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Core:
    """A processor core as Linux describes it on its board."""

    board: str
    features: str
    variant: str
    part: str
    revision: int

    def cpuinfo(self) -> str:
        """Write /proc/cpuinfo: qemu 7.2 shows programs the host's own, of no ARM processor."""
        return "".join(
            f"processor\t: {number}\nBogoMIPS\t: 108.00\nFeatures\t: {self.features}\n"
            f"CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: {self.variant}\n"
            f"CPU part\t: {self.part}\nCPU revision\t: {self.revision}\n\n"
            for number in range(os.cpu_count() or 1)
        )


CORES = {
    "cortex-a72": Core("Raspberry Pi 4", "fp asimd evtstrm crc32 cpuid", "0x0", "0xd08", 3),
    "cortex-a76": Core(
        "Raspberry Pi 5",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
        "0x4",
        "0xd0b",
        1,
    ),
}
