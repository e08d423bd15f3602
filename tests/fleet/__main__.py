"""`python -m tests.fleet`: fleets under faults, erasures, attacks, and what fleets of some sizes cost."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fleet.attacks import attack, wrong_box
from tests.fleet.converging import converge
from tests.fleet.cost import cost
from tests.fleet.erasing import erase
from tests.fleet.figure import draw


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=20, help="boxes of the runs with faults")
    parser.add_argument("--classes", type=int, default=50, help="classes that they teach")
    parser.add_argument("--runs", type=int, default=1, help="runs with faults, of one seed each")
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    parser.add_argument("--sizes", type=int, nargs="*", default=[2, 5, 20, 50], help="boxes to count for")
    parser.add_argument("--lessons", type=int, default=50, help="classes that are taught where it is counted")
    parser.add_argument("--figure", type=Path, help="file for a figure of the cost")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    results: dict[str, list[dict[str, Any]]] = {"converge": [], "erase": [], "attacks": [], "cost": []}
    fine = True
    for number in range(options.runs):
        converged = _in_folder(
            lambda folder, seed=options.seed + number: converge(folder, options.boxes, options.classes, seed)
        )
        print(f"seed {options.seed + number}: {'holds' if converged.holds else 'BROKEN'}, {converged}")
        results["converge"].append(converged.to_json())
        fine = fine and converged.holds
    if options.runs:
        erased = _in_folder(lambda folder: erase(folder, min(options.boxes, 8), 8, options.seed))
        print(f"erasure: {'holds' if erased.holds else 'BROKEN'}, {erased}")
        results["erase"].append(erased.to_json())
        fine = fine and erased.holds
        for one in [*_in_folder(attack), _in_folder(wrong_box)]:
            print(f"{one.name}: {'held' if one.held else 'BROKEN'}, {one.got}")
            results["attacks"].append({"name": one.name, "got": one.got, "held": one.held})
            fine = fine and one.held
    for boxes in options.sizes:
        counted = _in_folder(lambda folder, boxes=boxes: cost(folder, boxes, options.lessons, options.seed))
        print(counted, flush=True)
        results["cost"].append(counted.to_json())
    if options.figure:
        draw(results["cost"], options.figure)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0 if fine else 1


def _in_folder(run: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
