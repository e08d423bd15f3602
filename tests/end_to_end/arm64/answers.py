"""Learn and answer on emulated ARM64 boards and on this processor, and compare the answers.

    python tests/end_to_end/arm64/answers.py [--learn DIR --ask DIR] [--core cortex-a72] [--out FILE.json]

The folders hold class folders of pictures. On each core the device part is run as a device runs it: the
golden pictures, `init`, `learn`, `predict`. Stores then change places: the one that x86 taught is asked on
the core, and the one that the core taught is asked on x86.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from boards import CORES
from emulator import REPOSITORY, CannotEmulateError, Emulator, Machine, prepare

CLOTHING = REPOSITORY.parent / "shared" / "data" / "clothing"

MARGIN = 0.05
"""Where the two best probabilities on x86 lie closer together than this, a core may answer otherwise."""

GOLDEN = """
import json, onnxruntime
from edge_tosca.runtime import Bundle, golden_cosines, open_backend
bundle = Bundle.load()
cosines = golden_cosines(bundle, open_backend(bundle, threads=1))
print(json.dumps({"onnxruntime": onnxruntime.__version__, "backbone": bundle.digest, "cosines": cosines}))
"""


@dataclass(frozen=True)
class Difference:
    """A picture with two answers, and how far apart the two best probabilities were on x86."""

    path: str
    x86: str
    other: str
    margin: float


@dataclass(frozen=True)
class Agreement:
    """How the answers of two runs compare."""

    what: str
    pictures: int
    differences: tuple[Difference, ...]
    other_unknown: int
    largest_change: float

    @property
    def holds(self) -> bool:
        return all(difference.margin < MARGIN for difference in self.differences)

    def __str__(self) -> str:
        told = "".join(
            f"\n      {Path(one.path).name}: {one.x86}, now {one.other}; two best {one.margin:.3f} apart"
            for one in self.differences
        )
        return (
            f"{self.what}: the same label for {self.pictures - len(self.differences)} of {self.pictures}, "
            f"'unknown' otherwise for {self.other_unknown}, "
            f"confidence at most {self.largest_change:.3f} apart{told}"
        )


def compare(what: str, x86: list[dict[str, Any]], other: list[dict[str, Any]]) -> Agreement:
    """Compare what `predict --json` printed on x86 and elsewhere for the same pictures."""
    pairs = list(zip(x86, other, strict=True))
    assert all(a["path"] == b["path"] for a, b in pairs)
    return Agreement(
        what,
        len(pairs),
        tuple(
            Difference(a["path"], a["label"], b["label"], margin_of(a))
            for a, b in pairs
            if a["label"] != b["label"]
        ),
        sum(a["unknown"] != b["unknown"] for a, b in pairs),
        max(abs(_confidence(a, a["label"]) - _confidence(b, a["label"])) for a, b in pairs),
    )


def margin_of(answer: dict[str, Any]) -> float:
    """Give the distance of the two best probabilities."""
    first, second = answer["top"][:2]
    return float(first["confidence"] - second["confidence"])


def _confidence(answer: dict[str, Any], label: str) -> float:
    return float(next((guess["confidence"] for guess in answer["top"] if guess["label"] == label), 0.0))


def take(folder: Path, count: int, to: Path) -> Path:
    """Copy the first pictures of each class, by name."""
    for group in sorted(path for path in folder.iterdir() if path.is_dir()):
        (to / group.name).mkdir(parents=True)
        for picture in sorted(group.iterdir())[:count]:
            shutil.copy(picture, to / group.name)
    return to


def teach(machine: Machine, store: Path, pictures: Path) -> dict[str, Any]:
    """Make a store and teach it a folder of class folders."""
    machine.edge("init", store)
    (report,) = machine.edge("learn", store, pictures, "--threads", 1)
    return report


def answers(machine: Machine, store: Path, pictures: Path) -> list[dict[str, Any]]:
    """Ask a copy of a store for every picture of a folder."""
    copy = store.with_name(f"{store.stem}-on-{machine.name}.tosca")
    # A closed store has no log beside it, so its file is all of it.
    shutil.copy(store, copy)
    return machine.edge("predict", copy, pictures, "--top", 50, "--threads", 1)


def run(
    emulator: Emulator, cores: list[str], learn: Path, ask: Path, work: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Do everything on every core.

    Args:
        emulator: prepared.
        cores: keys of CORES.
        learn: FOLDER/CLASS/pictures to teach.
        ask: FOLDER/CLASS/pictures to ask for.
        work: a folder for the stores.
        say: told the account, line by line.

    Returns:
        The account as plain values; "holds" says whether labels differ only within MARGIN.
    """
    x86 = emulator.host()
    report = teach(x86, work / "x86.tosca", learn)
    expected = answers(x86, work / "x86.tosca", ask)
    right = _accuracy(expected)
    say(f"x86: {x86.ask(GOLDEN)}")
    say(f"  taught {report['images']} pictures of {len(report['classes'])} classes")
    say(f"  {right:.1%} of {len(expected)} right")
    account: dict[str, Any] = {"margin": MARGIN, "x86": {"accuracy": right}, "cores": {}}
    for name in cores:
        core = emulator.core(name)
        golden = core.ask(GOLDEN)
        say(f"{name} ({CORES[name].board}), onnxruntime {golden['onnxruntime']}")
        say(f"  golden pictures: lowest cosine {min(golden['cosines']):.6f}")
        teach(core, work / f"{name}.tosca", learn)
        own = answers(core, work / f"{name}.tosca", ask)
        found = [
            compare("learned and asked here", expected, own),
            compare("learned on x86, asked here", expected, answers(core, work / "x86.tosca", ask)),
            compare("learned here, asked on x86", expected, answers(x86, work / f"{name}.tosca", ask)),
        ]
        for one in found:
            say(f"  {one}")
        say(f"  {_accuracy(own):.1%} right when learned and asked here")
        account["cores"][name] = {
            "golden": golden,
            "accuracy": _accuracy(own),
            "agreement": [{**asdict(one), "holds": one.holds} for one in found],
        }
    margins = sorted(margin_of(answer) for answer in expected)
    account["closer_than_margin"] = sum(margin < MARGIN for margin in margins)
    account["holds"] = all(one["holds"] for core in account["cores"].values() for one in core["agreement"])
    close = account["closer_than_margin"]
    say(f"{close} of {len(expected)} pictures have their two best probabilities within {MARGIN} on x86")
    say("labels differ only there" if account["holds"] else "LABELS DIFFER ELSEWHERE TOO")
    return account


def _accuracy(lines: list[dict[str, Any]]) -> float:
    return sum(Path(line["path"]).parent.name == line["label"] for line in lines) / len(lines)


def arguments(description: str, shots: int, asked: int) -> argparse.Namespace:
    """Read the command line of a program that learns from some pictures and asks for others."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--core", action="append", choices=CORES, help="one core only; may be given twice")
    parser.add_argument("--learn", type=Path, default=CLOTHING / "train", help="FOLDER/CLASS/pictures")
    parser.add_argument("--ask", type=Path, default=CLOTHING / "test", help="FOLDER/CLASS/pictures")
    parser.add_argument("--shots", type=int, default=shots, help="pictures of a class to learn from")
    parser.add_argument("--asked", type=int, default=asked, help="pictures of a class to ask for")
    parser.add_argument("--qemu", help="another qemu-aarch64")
    parser.add_argument("--out", type=Path, help="write the account as JSON")
    given = parser.parse_args()
    for folder in (given.learn, given.ask):
        if not folder.is_dir():
            sys.exit(f"{folder}: no such folder; name folders of class folders with --learn and --ask")
    return given


def main() -> None:
    given = arguments("Learn and answer on emulated ARM64 boards and on x86, and compare.", 8, 10)
    say = partial(print, flush=True)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            work = Path(scratch)
            emulator = prepare(work, say, given.qemu)
            learn = take(given.learn, given.shots, work / "learn")
            ask = take(given.ask, given.asked, work / "ask")
            account = run(emulator, given.core or list(CORES), learn, ask, work, say)
    except CannotEmulateError as error:
        sys.exit(str(error))
    if given.out:
        given.out.write_text(json.dumps(account, indent=1) + "\n")
    sys.exit(0 if account["holds"] else 1)


if __name__ == "__main__":
    main()
