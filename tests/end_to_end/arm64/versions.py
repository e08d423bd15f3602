"""Which versions of ONNX Runtime run the bundle on emulated ARM64 boards, and whether their features agree.

    python tests/end_to_end/arm64/versions.py VERSION... [--core cortex-a72] [--host-cpuinfo] [--qemu PATH]

`--host-cpuinfo` leaves the emulated core with the /proc/cpuinfo that qemu itself shows.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from boards import CORES
from emulator import CannotEmulateError, Emulator, prepare

FEATURES = """
import json
from edge_tosca.runtime import Bundle, golden_cosines, open_backend
from edge_tosca.runtime.golden_check import golden_feature
bundle = Bundle.load()
backend = open_backend(bundle, threads=1)
features = [golden_feature(golden.picture, bundle, backend).tolist() for golden in bundle.golden]
print(json.dumps({"cosines": golden_cosines(bundle, backend), "features": features}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Try versions of ONNX Runtime on emulated ARM64 boards.")
    parser.add_argument("versions", nargs="+", metavar="VERSION")
    parser.add_argument("--core", action="append", choices=CORES, help="one core only; may be given twice")
    parser.add_argument("--host-cpuinfo", action="store_true", help="do not show the board's /proc/cpuinfo")
    parser.add_argument("--qemu", help="another qemu-aarch64")
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as work:
            emulator = prepare(Path(work), lambda step: print(step, file=sys.stderr), given.qemu)
            try_all(emulator, given.versions, given.core or list(CORES), given.host_cpuinfo)
    except CannotEmulateError as error:
        sys.exit(str(error))


def try_all(emulator: Emulator, versions: list[str], cores: list[str], host_cpuinfo: bool) -> None:
    """Print a line a version and core."""
    first = None
    for version in versions:
        for core in cores:
            machine = emulator.core(core, version, host_cpuinfo)
            try:
                found = machine.ask(FEATURES)
            except CannotEmulateError as error:
                print(f"{version:8} {error}", flush=True)
                continue
            features = np.array(found["features"], np.float32)
            first = features if first is None else first
            apart = float(np.abs(features - first).max())
            print(
                f"{version:8} {core}: golden pictures at cosine {min(found['cosines']):.6f} or better, "
                f"features {apart:.2g} or less from the first above",
                flush=True,
            )


if __name__ == "__main__":
    main()
