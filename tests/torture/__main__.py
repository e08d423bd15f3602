"""`python -m tests.torture`: many faults drawn at random, and a table of what became of the stores."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.torture.crowd import Crowd, crowd_table, hold, torment
from tests.torture.faults import KILLS, WRITE_FAILURES, NoCompilerError, preloaded
from tests.torture.harness import Harness, table

_KILLS_A_CROWD = 25


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=2000, help="kills and power cuts, over all verbs")
    parser.add_argument("--failures", type=int, default=500, help="failed writes, over all verbs")
    parser.add_argument("--crowd", type=int, default=0, help="kills of one of two writers, while two read")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    parser.add_argument("--json", type=Path, help="file for the table")
    options = parser.parse_args()
    try:
        preloaded()
    except NoCompilerError as error:
        print(error, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(Path(folder), options.seed)
        trials = harness.run(KILLS, options.kills) + harness.run(WRITE_FAILURES, options.failures)
    print(table(trials))
    broken = [trial for trial in trials if trial.fault_found]
    for trial in broken:
        print(f"{trial.verb}, {trial.fault} at change {trial.at}, chance {trial.chance}: {trial.fault_found}")
    print(f"{len(trials)} faults, {len(broken)} with harm done; seed {options.seed}")
    crowds = list(_crowds(options.crowd, options.seed))
    harmed = [fault for crowd in crowds for fault in crowd.faults]
    if crowds:
        print(crowd_table(crowds))
        print("\n".join(harmed))
        with tempfile.TemporaryDirectory() as folder:
            print(f"a writer that waited for another one was told so after {hold(Path(folder)):.1f} s")
    if options.json:
        told = [result.to_json() for result in (*trials, *crowds)]
        options.json.write_text(json.dumps(told, indent=1))
    return 1 if broken or harmed else 0


def _crowds(kills: int, seed: int) -> Iterator[Crowd]:
    for number in range(-(-kills // _KILLS_A_CROWD)):
        with tempfile.TemporaryDirectory() as folder:
            some = min(_KILLS_A_CROWD, kills - number * _KILLS_A_CROWD)
            yield torment(Path(folder), some, seed + number, encrypted=number % 2 == 1)


if __name__ == "__main__":
    sys.exit(main())
