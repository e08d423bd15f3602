"""Bundles that take all time or memory, crash, or are not what their manifest says.

    python -m tests.fuzz.planted_bundles

makes a store with each, as a user would, and prints what each got, and in how many seconds.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.fuzz.onnx_bytes import FLOAT, FLOAT16, STRING, UINT8, field, graph, model, node, tensor, value

SIDE, WIDTH = 16, 4
GRAPH = "backbone.onnx"

PIXELS = value("pixels", FLOAT, [1, 3, SIDE, SIDE])
FEATURES = value("features", FLOAT, [1, WIDTH])
WEIGHTS = np.random.default_rng(0).uniform(0.5, 2, (3, WIDTH)).astype(np.float32)
POOLED = [node("GlobalAveragePool", ["pixels"], ["pool"]), node("Flatten", ["pool"], ["flat"], axis=1)]
PRODUCT = [*POOLED, node("MatMul", ["flat", "weights"], ["product"])]
NAMED = node("Identity", ["product"], ["features"])

GOLDEN = {"width": 24, "height": 20, "across": [2, 3, 1], "down": [1, 1, 3], "twist": [64, 90, 70]}


def onnx_file(nodes=(*PRODUCT, NAMED), inputs=(PIXELS,), outputs=(FEATURES,), weights=()) -> bytes:
    """A backbone that multiplies the mean of each channel by WEIGHTS, unless it is changed."""
    return model(graph(nodes, inputs, outputs, [tensor("weights", WEIGHTS), *weights]))


def features_of(pixels: np.ndarray) -> np.ndarray:
    """What that backbone computes of float32 [1, 3, SIDE, SIDE]."""
    return pixels.mean(axis=(2, 3)) @ WEIGHTS


def write(folder: Path, data: bytes | None = None, **changes: Any) -> Path:
    """Write a bundle whose manifest vouches for a graph; without any, a good one.

    Args:
        folder: of the bundle.
        data: of backbone.onnx.
        changes: entries of the manifest; those of "input" are added to it.
    """
    folder.mkdir(parents=True)
    data = onnx_file() if data is None else data
    (folder / GRAPH).write_bytes(data)
    size = {"size": SIDE, "mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bilinear", "crop_pct": 0.9}
    manifest = {
        "format": 1,
        "name": "planted",
        "feature_dim": WIDTH,
        "precision": "fp32",
        "golden": [{**GOLDEN, "feature": _golden_feature().tolist()}],
        "files": {GRAPH: hashlib.sha256(data).hexdigest()},
        **changes,
        "input": {**size, **changes.get("input", {})},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _golden_feature() -> np.ndarray:
    from PIL import Image

    from edge_tosca.runtime.golden import GoldenPicture
    from edge_tosca.runtime.preprocess import Preprocessing

    picture = GoldenPicture(**{key: tuple(x) if isinstance(x, list) else x for key, x in GOLDEN.items()})
    preprocessing = Preprocessing(SIDE, (0.5,) * 3, (0.25,) * 3, "bilinear", 0.9)
    return features_of(preprocessing(Image.fromarray(picture.pixels())))[0]


def loop(rounds: int = 1 << 62) -> bytes:
    """A loop that passes the product on, so many times."""
    body = graph(
        [node("Identity", ["going"], ["on"]), node("Identity", ["carried"], ["passed"])],
        [value("round", 7, []), value("going", 9, []), value("carried", FLOAT, [1, WIDTH])],
        [value("on", 9, []), value("passed", FLOAT, [1, WIDTH])],
    )
    nodes = [*PRODUCT, node("Loop", ["rounds", "", "product"], ["features"], body=body)]
    return onnx_file(nodes, weights=[tensor("rounds", np.array(rounds))])


def endless() -> bytes:
    """Products of large matrices, each of the one before, for days."""
    side, many = 2048, 1 << 12
    grown = node("MatMul", ["column", "row"], ["m0"])
    chain = [node("MatMul", [f"m{step}", f"m{step}"], [f"m{step + 1}"]) for step in range(many)]
    last = [
        node("ReduceMean", [f"m{many}"], ["mean"], axes=[0, 1], keepdims=1),
        node("Add", ["product", "mean"], ["features"]),
    ]
    ends = [
        node("ReduceMean", ["pixels"], ["scalar"], axes=[0, 1, 2], keepdims=0),
        node("Slice", ["scalar", "zero", "one"], ["single"]),
        node("Mul", ["ones", "single"], ["column"]),
    ]
    weights = [
        tensor("zero", np.array([0])),
        tensor("one", np.array([1])),
        tensor("ones", np.full((side, 1), 1e-3, np.float32)),
        tensor("row", np.full((1, side), 1e-3, np.float32)),
    ]
    return onnx_file([*PRODUCT, *ends, grown, *chain, *last], weights=weights)


def constant(numbers: int = 1 << 34) -> bytes:
    """A constant of so many float32 numbers, of which the file holds one."""
    nodes = [
        *PRODUCT,
        node("ConstantOfShape", ["shape"], ["constant"], value=np.zeros(1, np.float32)),
        node("ReduceMax", ["constant"], ["largest"], axes=[0], keepdims=1),
        node("Add", ["product", "largest"], ["features"]),
    ]
    return onnx_file(nodes, weights=[tensor("shape", np.array([numbers]))])


def expanded(numbers: int = 1 << 34) -> bytes:
    """The picture's own numbers, repeated, so that no optimiser computes it ahead."""
    nodes = [
        *PRODUCT,
        node("ReduceMean", ["product"], ["mean"], axes=[1], keepdims=1),
        node("Expand", ["mean", "shape"], ["constant"]),
        node("CumSum", ["constant", "axis"], ["sums"]),
        node("ReduceMax", ["sums"], ["largest"], axes=[1], keepdims=1),
        node("Add", ["product", "largest"], ["features"]),
    ]
    shape = [tensor("shape", np.array([1, numbers])), tensor("axis", np.array(1))]
    return onnx_file(nodes, weights=shape)


def not_finite() -> bytes:
    """A feature of which every number is NaN."""
    nodes = [
        *PRODUCT,
        node("Div", ["zeros", "zeros"], ["nan"]),
        node("Add", ["product", "nan"], ["features"]),
    ]
    return onnx_file(nodes, weights=[tensor("zeros", np.zeros((1, WIDTH), np.float32))])


def many_fields(count: int = 2_000_000) -> bytes:
    """A file of nothing but empty fields of a graph."""
    return field(7, b"\x0a\x00" * count)


def other_width() -> bytes:
    """A feature that is wider than the manifest says, behind a free dimension."""
    nodes = [*PRODUCT, node("Concat", ["product", "product"], ["features"], axis=1)]
    return onnx_file(nodes, outputs=[value("features", FLOAT, [1, "width"])])


def sparse(folder: Path) -> Path:
    """A file of 20 GB that takes no disk space."""
    write(folder)
    os.truncate(folder / GRAPH, 20 * 10**9)
    return folder


def a_pipe(folder: Path) -> Path:
    """A graph that is a pipe nobody writes to."""
    write(folder)
    (folder / GRAPH).unlink()
    os.mkfifo(folder / GRAPH)
    return folder


@dataclass(frozen=True)
class Planted:
    """One bundle.

    Attributes:
        what: is wrong with it.
        write: writes it to a folder.
        says: a part of the refusal, as a regular expression.
        trial: a process of its own has to find it.
    """

    what: str
    write: Callable[[Path], Path]
    says: str
    trial: bool = False


def _graph(what: str, make: Callable[[], bytes], says: str, *, trial: bool = False) -> Planted:
    return Planted(what, lambda folder: write(folder, make()), says, trial)


def _manifest(what: str, says: str, **changes: Any) -> Planted:
    return Planted(what, lambda folder: write(folder, **changes), says)


def _types(inputs=(PIXELS,), outputs=(FEATURES,)) -> Callable[[], bytes]:
    return lambda: onnx_file(inputs=inputs, outputs=outputs)


def _pixels(element: int, *shape: int | str) -> tuple[bytes, ...]:
    return (value("pixels", element, shape),)


_MANY = [{**GOLDEN, "feature": [1.0] * WIDTH}] * 17

PLANTED = (
    _graph("a Loop of 2^62 rounds", loop, "has a loop"),
    _graph("matrix products for days", endless, "still running after", trial=True),
    _graph("a constant of 64 GB", constant, "more memory than a trial", trial=True),
    _graph("a picture repeated to 64 GB", expanded, "more memory than a trial", trial=True),
    _graph("NaN features", not_finite, "numbers not finite", trial=True),
    _graph(
        "a wider feature behind a free dimension",
        other_width,
        r"computed 8 values|is float32 \[1, 8\]",
        trial=True,
    ),
    _graph(
        "an operator that there is not",
        lambda: onnx_file([*PRODUCT, node("Nothing", ["product"], ["features"])]),
        "cannot run it",
        trial=True,
    ),
    _graph("two outputs", _types(outputs=(FEATURES, value("product", FLOAT, [1, WIDTH]))), "has 2 outputs"),
    _graph("no output", _types(outputs=()), "has no output"),
    _graph("no input", _types(inputs=()), "has no input"),
    _graph("two inputs", _types((PIXELS, value("more", FLOAT, [1]))), "has 2 inputs"),
    _graph("a string input", _types(_pixels(STRING, 1, 3, SIDE, SIDE)), "is string"),
    _graph("a uint8 input", _types(_pixels(UINT8, 1, 3, SIDE, SIDE)), "is uint8"),
    _graph("an input NHWC", _types(_pixels(FLOAT, 1, SIDE, SIDE, 3)), rf"\[1, {SIDE}, {SIDE}, 3\]"),
    _graph("an input of another size", _types(_pixels(FLOAT, 1, 3, 32, 32)), r"\[1, 3, 32, 32\]"),
    _graph("a float16 output", _types(outputs=(value("features", FLOAT16, [1, WIDTH]),)), "is float16"),
    _graph("an output of another width", _types(outputs=(value("features", FLOAT, [1, 5]),)), r"\[1, 5\]"),
    _graph("two million empty fields", many_fields, "not a sound ONNX file"),
    Planted("a sparse file of 20 GB", sparse, "more than"),
    Planted("a pipe", a_pipe, "not a regular file"),
    _manifest("std 1e-300", "std 1e-300 is out of range", input={"std": [0.2, 1e-300, 0.2]}),
    _manifest("std NaN", "std nan is out of range", input={"std": [0.2, float("nan"), 0.2]}),
    _manifest("a mean of 10^400", "out of range", input={"mean": [0.2, 10**400, 0.2]}),
    _manifest("crop_pct 1e-9", "crop_pct 1e-09 is out of range", input={"crop_pct": 1e-9}),
    _manifest("size 10^9", "size 1000000000 is out of range", input={"size": 10**9}),
    _manifest("layout NHWC", "layout 'NHWC' is not supported", input={"layout": "NHWC"}),
    _manifest("a feature of 2^40 numbers", "'feature_dim' must be", feature_dim=1 << 40),
    _manifest("17 golden pictures", "17 pictures", golden=_MANY),
    _manifest(
        "a golden picture of 2^24 pixels",
        "'golden' is malformed",
        golden=[{**_MANY[0], "width": 4096, "height": 4096}],
    ),
    _manifest("a name of two lines", "printable", name="good\nedge-tosca: all is well"),
    _manifest("200 files", "200 entries", files={GRAPH: "0" * 64} | {f"{n}/x": "0" * 64 for n in range(199)}),
)


def main() -> None:
    """Make a store with each, and print what it got."""
    print("| bundle | what it got | seconds |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = f"{scratch}/cache"
        for number, planted in enumerate(PLANTED):
            for runtime in ("onnxruntime", "openvino") if planted.trial else ("onnxruntime",):
                folder = planted.write(Path(scratch, f"{number}-{runtime}"))
                words = ("init", f"{scratch}/s{number}{runtime}", "--backbone", folder, "--runtime", runtime)
                start = time.monotonic()
                ran = subprocess.run(
                    [sys.executable, "-P", "-m", "edge_tosca", *map(str, words)],
                    capture_output=True,
                    text=True,
                )
                seconds = time.monotonic() - start
                said = ran.stderr.strip().replace(str(folder), "BUNDLE").replace("|", "/")
                where = f" ({runtime})" if planted.trial else ""
                print(f"| {planted.what}{where} | {ran.returncode}: {said} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
