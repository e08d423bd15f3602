"""How far features of one bundle lie apart on x86 and on ARM64, and whether a learner keeps its accuracy.

    python tests/end_to_end/arm64/features.py [--learn DIR --ask DIR] [--core cortex-a72] [--out FILE.json]

The folders hold class folders of pictures. A learner is taught the features of one runtime and asked for
those of another, with nothing done to bring the two together.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from answers import arguments, take
from boards import CORES
from emulator import CannotEmulateError, Emulator, Machine, prepare

from edge_tosca import Learner


@dataclass(frozen=True)
class Features:
    """What `embed` wrote: features [n, d], labels [n], names of the classes."""

    features: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]

    def by_class(self) -> dict[str, np.ndarray]:
        return {name: self.features[self.labels == place] for place, name in enumerate(self.names)}


def embed(machine: Machine, runtime: str, pictures: Path, to: Path) -> Features:
    """Embed a folder of class folders on a machine."""
    machine.edge("embed", pictures, "--out", to, "--runtime", runtime, "--threads", 1)
    with np.load(to) as arrays:
        return Features(arrays["features"], arrays["labels"], tuple(map(str, arrays["class_names"])))


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compare rows: float64 [n]."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    return np.sum(x * y, axis=1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1))


def cross(taught: Features, asked: dict[str, Features], work: Path) -> dict[str, np.ndarray]:
    """Teach a learner the features of one origin; give its answers, a class number a row, for each."""
    learner = Learner.create(work / "cross.tosca")
    learner.learn_features(taught.by_class(), "task", force=True)
    answers = {name: learner.model.posterior(each.features).argmax(axis=1) for name, each in asked.items()}
    learner.close()
    (work / "cross.tosca").unlink()
    return answers


def measure(emulator: Emulator, cores: list[str], learn: Path, ask: Path, work: Path) -> dict[str, Any]:
    """Embed everywhere, compare every two, and cross-examine. Prints as it goes."""
    origins = [
        ("x86 onnxruntime", emulator.host(), "onnxruntime"),
        ("x86 openvino", emulator.host(), "openvino"),
    ]
    origins += [(f"{core} onnxruntime", emulator.core(core), "onnxruntime") for core in cores]
    taught, asked = {}, {}
    for place, (name, machine, runtime) in enumerate(origins):
        taught[name] = embed(machine, runtime, learn, work / f"learn{place}.npz")
        asked[name] = embed(machine, runtime, ask, work / f"ask{place}.npz")
        print(
            f"{name}: {len(taught[name].labels)} and {len(asked[name].labels)} pictures embedded", flush=True
        )
    account: dict[str, Any] = {"cosine": [], "accuracy": []}
    print("\n| features | and | mean cosine | p1 | min |\n|---|---|---|---|---|")
    names = [name for name, _, _ in origins]
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            found = np.concatenate([cosines(each[a].features, each[b].features) for each in (taught, asked)])
            numbers = float(found.mean()), float(np.percentile(found, 1)), float(found.min())
            account["cosine"].append([a, b, *numbers])
            print(f"| {a} | {b} | " + " | ".join(f"{number:.6f}" for number in numbers) + " |")
    print("\n| taught on | " + " | ".join(f"asked on {name}" for name in names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for name in names:
        answers = cross(taught[name], asked, work)
        right = {other: float((answers[other] == asked[other].labels).mean()) for other in names}
        same = {other: int((answers[other] == answers[name]).sum()) for other in names}
        account["accuracy"].append([name, right, same])
        cells = (f"{right[other]:.1%}, {same[other]} labels the same" for other in names)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    return account


def main() -> None:
    given = arguments("Compare features of one bundle on x86 and on emulated ARM64.", 15, 12)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            work = Path(scratch)
            emulator = prepare(work, print, given.qemu)
            learn = take(given.learn, given.shots, work / "learn")
            ask = take(given.ask, given.asked, work / "ask")
            account = measure(emulator, given.core or list(CORES), learn, ask, work)
    except CannotEmulateError as error:
        sys.exit(str(error))
    if given.out:
        given.out.write_text(json.dumps(account, indent=1) + "\n")


if __name__ == "__main__":
    main()
