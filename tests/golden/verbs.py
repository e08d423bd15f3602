"""Run every verb that prints JSON on drawn pictures, through the real command line."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from tests.golden.pictures import draw, pixels

GOLDEN = Path(__file__).parents[1] / "data/golden/verbs.json"

TIMES = frozenset(
    (
        "seconds",
        "milliseconds",
        "time",
        "made_at",
        "learned_at",
        "since",
        "at",
        "boot",
        "since_boot",
        "host",
        "user",
        "versions",
        "frame",
    )
)
"""Keys of what is another on every run."""

SIZES = frozenset(("bytes_before", "bytes_after", "history", "seals"))
"""Keys of sizes that depend on how many digits a time has."""

SENTENCES = frozenset(("reason", "reasons", "advice", "error", "detail", "remedy", "measured_on"))
"""Keys of what is written for people, which may be worded otherwise."""

OF_THE_MOMENT = frozenset(("head", "seal", "pack", "key"))
"""Keys of digests over a time or a drawn key."""


@dataclass(frozen=True)
class Step:
    """One call of the command line.

    Attributes:
        name: of the call, unique.
        words: after the program's name, without --json.
        needs: the package that it needs besides those of a device; "" for none.
    """

    name: str
    words: tuple[str, ...]
    needs: str = ""


def _step(name: str, words: str, needs: str = "") -> Step:
    return Step(name, tuple(words.split()), needs)


STEPS = (
    _step("init", "init shop.tosca"),
    _step("learn", "learn shop.tosca photos/first --task first --remember"),
    _step("learn, a file that is no picture", "learn shop.tosca photos/second --task second --remember"),
    _step("learn, a class again", "learn shop.tosca --class apple photos/third/apple --task third"),
    _step("learn, a dry run", "learn shop.tosca photos/drawn --dry-run"),
    _step("learn, taught already", "learn shop.tosca photos/first --task again"),
    _step("learn, a list", "learn shop.tosca --list photos/list.csv --dry-run"),
    _step("export-dataset", "export-dataset shop.tosca kept"),
    _step("export-dataset, as COCO", "export-dataset shop.tosca kept-coco --format coco"),
    _step("learn, rejected", "learn shop.tosca photos/same --task same"),
    _step("predict", "predict shop.tosca asked/apple asked/cone/024.png asked/none.png"),
    _step("predict, one guess", "predict shop.tosca asked/door/024.png --top 1"),
    _step("predict, a set of labels", "predict shop.tosca asked/brick/024.png --coverage 0.8"),
    _step("predict, a file of frames", "predict shop.tosca frames.mjpeg --every 500ms"),
    _step("predict, a burst", "predict shop.tosca asked/brick asked/none.png --burst"),
    _step("predict, where it looked", "predict shop.tosca asked/brick/024.png --explain where.png"),
    _step("evaluate", "evaluate shop.tosca asked"),
    _step("evaluate, pictures of what was never taught", "evaluate shop.tosca asked --unknown photos/second"),
    _step("classes", "classes shop.tosca"),
    _step("rename", "rename shop.tosca door gate"),
    _step("rename, a merge", "rename shop.tosca gate cone --merge"),
    _step("rollback", "rollback shop.tosca 3"),
    _step("forget", "forget shop.tosca brick"),
    _step("history", "history shop.tosca"),
    _step("verify", "verify shop.tosca"),
    _step("store check", "store check shop.tosca"),
    _step("store limit", "store limit shop.tosca"),
    _step("store limit, set", "store limit shop.tosca 50000000"),
    _step("store strictness", "store strictness shop.tosca"),
    _step("store strictness, set", "store strictness shop.tosca lenient"),
    _step("store strictness, of a class", "store strictness shop.tosca 0.9 --class cone"),
    _step("store strictness, reset", "store strictness shop.tosca --reset"),
    _step("store severity", "store severity shop.tosca"),
    _step("store severity, of a class", "store severity shop.tosca cone alarm"),
    _step("store severity, of what is unknown", "store severity shop.tosca --unknown warning"),
    _step("regions add", "regions add shop.tosca left 0,0,0.5,1 --class cone"),
    _step("regions add, of another camera", "regions add shop.tosca gate 0.25,0.1,0.5,0.4 --camera hall"),
    _step("regions list", "regions list shop.tosca"),
    _step("regions remove", "regions remove shop.tosca left"),
    _step("regions remove, of another camera", "regions remove shop.tosca gate --camera hall"),
    _step("tally, on", "tally shop.tosca --keep 30"),
    _step("tally, off", "tally shop.tosca --off"),
    _step("predict, a region", "predict shop.tosca asked/cone/024.png --region 0.1,0.1,0.8,0.8"),
    _step("store compact", "store compact shop.tosca"),
    _step("store stats", "store stats shop.tosca"),
    _step("store prune", "store prune shop.tosca --older-than 0"),
    _step("store solve", "store solve shop.tosca"),
    _step("embed", "embed photos/first --out features.npz"),
    _step("pack keygen", "pack keygen signer", "cryptography"),
    _step("pack export", "pack export shop.tosca cone door --out a.pack --key signer", "cryptography"),
    _step(
        "pack export, private", "pack export shop.tosca --out b.pack --key signer --private", "cryptography"
    ),
    _step("pack inspect", "pack inspect a.pack", "cryptography"),
    _step("init, another", "init other.tosca"),
    _step("pack trust", "pack trust other.tosca signer.pub", "cryptography"),
    _step("pack import", "pack import other.tosca a.pack --rename door=gate", "cryptography"),
    _step("pack import, known", "pack import other.tosca a.pack --rename door=gate", "cryptography"),
    _step("pack trust, removed", "pack trust other.tosca signer.pub --remove", "cryptography"),
    _step("fleet create", "fleet create fleet --broker mqtt://127.0.0.1:9", "cryptography"),
    _step("migrate, nothing to do", "migrate shop.tosca"),
    _step("migrate, pictures are missing", "migrate shop.tosca --runtime openvino", "openvino"),
    _step("migrate", "migrate shop.tosca --runtime openvino --without-missing", "openvino"),
    _step("watch", "watch other.tosca --camera frames.mjpeg?fps=10&loop=1 --answers 12"),
    _step("doctor", "doctor other.tosca"),
    _step("service files", "service files --out service"),
    _step("export, the list", "export --list", "timm"),
    _step("init, for none of these", "init belt.tosca"),
    _step("learn, none of these", "learn belt.tosca --none photos/first/apple"),
    _step("classes, none of these", "classes belt.tosca"),
    _step("forget, none of these", "forget belt.tosca --none"),
)


def prepare(folder: Path) -> None:
    """Draw all that the steps name."""
    draw(folder / "photos/first", ("apple", "brick"), range(8))
    draw(folder / "photos/second", ("cone", "door"), range(8))
    (folder / "photos/second/cone/torn.png").write_bytes(b"no picture")
    draw(folder / "photos/third", ("apple",), range(8, 14))
    draw(folder / "photos/drawn", ("brick",), range(30, 38))
    for label in ("left", "right"):
        (folder / "photos/same").mkdir(exist_ok=True)
        (folder / "photos/same" / label).mkdir()
        for path in sorted((folder / "photos/drawn/brick").iterdir()):
            (folder / "photos/same" / label / path.name).write_bytes(path.read_bytes())
    draw(folder / "asked", ("apple", "brick", "cone", "door", "zebra"), (21, 22, 24))
    (folder / "photos/list.csv").write_text("path,class\nfirst/apple/000.png,pear\nfirst/gone.png,pear\n")
    (folder / "asked/none.png").write_bytes(b"no picture")
    frame = BytesIO()
    Image.fromarray(pixels("cone", 1)).save(frame, "JPEG", quality=95)
    (folder / "frames.mjpeg").write_bytes(frame.getvalue() * 20)


def run(program: Sequence[str], folder: Path, steps: Sequence[Step] = STEPS) -> dict[str, Any]:
    """Run the steps one after the other, in a folder that `prepare` filled.

    Args:
        program: words that start the command line.
        folder: where; every path is told relative to it.
        steps: all that are to be run.

    Returns:
        Name to exit code and the objects printed, each with what is another on every run taken out.
    """
    found = {}
    for step in steps:
        if step.name == "migrate, pictures are missing":
            (folder / "photos/second/cone/000.png").unlink()
        words = step.words if step.words[0] == "watch" else (*step.words, "--json")
        ran = subprocess.run(
            [*program, *words], cwd=folder, env=_environment(), capture_output=True, text=True, timeout=170
        )
        told = [json.loads(line) for line in ran.stdout.replace(str(folder), "FOLDER").splitlines()]
        found[step.name] = {"code": ran.returncode, "told": [settled(value) for value in told]}
    return found


def settled(value: Any, key: str = "") -> Any:
    """Take out of JSON what is another on every run, or is worded for people; keys and types stay."""
    if key in SENTENCES and value:
        return f"<{key}>"
    if isinstance(value, dict):
        # What a box is like may be another in the next second.
        if "findings" in value:
            value = {
                **value,
                "findings": [{**one, "values": sorted(one["values"])} for one in value["findings"]],
            }
        return {name: settled(entry, key if key in TIMES | SIZES else name) for name, entry in value.items()}
    if isinstance(value, list):
        return [settled(entry, key) for entry in value]
    if (key in TIMES and value is not None) or (key in SIZES and isinstance(value, int)):
        return f"<{type(value).__name__}>"
    if key in OF_THE_MOMENT and isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
        return "<digest of the moment>"
    return re.sub(" from [0-9a-f]{8}$", " from <key>", value) if isinstance(value, str) else value


def portable(value: Any, key: str = "") -> Any:
    """Take out of settled JSON what another processor, runtime or version of a package makes otherwise."""
    if key == "evidence" and isinstance(value, dict) and "places" in value:
        return {**value, "score": "<float>", "unplaced": "<float>", "places": f"{len(value['places'])} rows"}
    if key in ("findings", "confusions", "suspects", "backbones"):
        return [sorted(entry) for entry in value][:1]
    if isinstance(value, dict):
        return {name: portable(entry, name) for name, entry in value.items()}
    if isinstance(value, list):
        return [portable(entry, key) for entry in value]
    if key in ("origin", "backbone", "origin_before") and value:
        return f"<{key}>"
    if isinstance(value, str):
        return re.sub("[0-9a-f]{64}", "<sha256>", value)
    if key in ("bytes", "nonzero", "module_bytes"):
        return f"<{type(value).__name__}>"
    return value


def _environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("EDGE_TOSCA", "PYTHON"))}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "TERM": "dumb"}


def main() -> None:
    """Write what the verbs print now, where it was changed on purpose."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        found = portable(run([sys.executable, "-m", "edge_tosca"], Path(folder)))
    GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
