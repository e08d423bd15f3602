"""`python -m tests.offline`: the tests of the device part without a network, and again with a trap set.

First in a network namespace that has no interface but loopback, whose kernel counts what could not be sent;
then with a library before libc that writes down and refuses whatever is addressed to another machine.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.offline.ways import (
    CannotCutOffError,
    build_trap,
    interfaces,
    namespace,
    nowhere_to_go,
    raise_loopback,
)

DEVICE = (
    "tests/unit/classifier",
    "tests/unit/features",
    "tests/unit/learner",
    "tests/unit/live",
    "tests/unit/packs",
    "tests/unit/quality",
    "tests/unit/store",
    "tests/unit/system",
    "tests/unit/tosca",
    "tests/unit/vision",
    "tests/unit/runtime",
    "tests/unit/devices",
    "tests/unit/service",
    "tests/unit/test_imports.py",
    "tests/unit/test_no_foreign_code.py",
    "tests/end_to_end/test_bad_input.py",
    "tests/end_to_end/test_bad_stores.py",
    "tests/end_to_end/test_contract.py",
    "tests/end_to_end/test_demo.py",
    "tests/end_to_end/test_hostile_files.py",
    "tests/end_to_end/test_migrate.py",
    "tests/end_to_end/test_nothing_leaves.py",
    "tests/end_to_end/test_old_knowledge.py",
    "tests/end_to_end/test_packs.py",
    "tests/end_to_end/test_two_processes.py",
    "tests/end_to_end/test_upkeep.py",
)

# They reach out on purpose, to prove that it would be seen.
REACHING_OUT = ("not sends_no_packet and not sends_nothing and not the_trap_notices",)

_INSIDE = "--in-the-namespace"


def main() -> int:
    """Run both; give the exit code."""
    if sys.argv[1:2] == [_INSIDE]:
        return _inside(sys.argv[2:])
    chosen = sys.argv[1:] or [path for path in DEVICE if Path(path).exists()]
    try:
        away = [*namespace(), sys.executable, "-m", "tests.offline", _INSIDE, *chosen]
        with tempfile.TemporaryDirectory() as folder:
            trap = build_trap(Path(folder))
            failed = subprocess.run(away).returncode
            return failed or _trapped(chosen, trap, Path(folder) / "attempts")
    except CannotCutOffError as error:
        print(error, file=sys.stderr)
        return 1


def _inside(chosen: list[str]) -> int:
    raise_loopback()
    if interfaces() != ["lo"]:
        print(f"this namespace has {', '.join(interfaces())}, not loopback alone", file=sys.stderr)
        return 1
    code = _tests(["-p", "tests.offline.named", *chosen], dict(os.environ))
    print(f"without a network: {nowhere_to_go()} packets had nowhere to go")
    return code or nowhere_to_go()


def _trapped(chosen: list[str], trap: Path, attempts: Path) -> int:
    code = _tests(chosen, {**os.environ, "LD_PRELOAD": str(trap), "TRAP_LOG": str(attempts)})
    caught = attempts.read_text().splitlines() if attempts.exists() else []
    print(f"with the trap: {len(caught)} attempts to reach another machine", *caught, sep="\n  ")
    return code or len(caught)


def _tests(words: list[str], environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", *REACHING_OUT, *words]
    return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(min(main(), 1))
