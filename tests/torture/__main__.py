"""`python -m tests.torture`: many faults drawn at random, and a table of what became of the stores."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.torture.faults import KILLS, WRITE_FAILURES, NoCompilerError, preloaded
from tests.torture.harness import Harness, table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=2000, help="kills and power cuts, over all verbs")
    parser.add_argument("--failures", type=int, default=500, help="failed writes, over all verbs")
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
    if options.json:
        options.json.write_text(json.dumps([trial.to_json() for trial in trials], indent=1))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
