"""Bundles of strangers, and the names that strangers give to classes."""

import functools
import hashlib
import json
import random
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tests.fuzz.json_changes import change_json
from tests.fuzz.onnx_bytes import FLOAT, value
from tests.fuzz.planted_bundles import SIDE, WIDTH, loop, onnx_file
from tests.fuzz.target import Target, file_of

from edge_tosca.cli.terminal import say, say_json
from edge_tosca.labels import checked_label
from edge_tosca.runtime import DEFAULT_BUNDLE, Bundle
from edge_tosca.runtime.manifest import BACKBONE, MANIFEST
from edge_tosca.runtime.onnx_interface import require_interface
from edge_tosca.runtime.onnx_safety import require_self_contained

_PATH = Path("backbone.onnx")


@functools.cache
def _graph() -> bytes:
    return onnx_file(inputs=[value("pixels", FLOAT, [1, 3, 224, 224])])


def _read_bundle(data: bytes) -> None:
    with file_of(MANIFEST, data, (BACKBONE,)) as path:
        (path.parent / BACKBONE).write_bytes(_graph())
        Bundle.load(path.parent)


def _read_graph(data: bytes) -> None:
    """Read what is read of a graph before a runtime gets it."""
    require_self_contained(data, _PATH)
    require_interface(data, _PATH, SIDE, WIDTH)


def _graphs() -> list[bytes]:
    return [onnx_file(), loop(), _graph()]


def _read_label(data: bytes) -> None:
    """Name a class by the bytes, as the system makes a text of them, and say it as a line and as JSON."""
    text = data.decode("utf-8", "surrogateescape")
    shown = StringIO()
    with redirect_stdout(shown):
        say(text)
        say_json({"label": text})
    line, told = shown.getvalue().rstrip("\n").rsplit("\n", 1)
    if json.loads(told) != {"label": text} or "\x1b" in line:
        raise AssertionError("a name is not told as it is")
    told.encode()
    label = checked_label(text)
    if checked_label(label) != label or not Path("folder", label.replace("/", "_")).name:
        raise AssertionError("a class name does not stay as it is")


@functools.cache
def _manifests() -> list[bytes]:
    manifest = json.loads((DEFAULT_BUNDLE / MANIFEST).read_bytes())
    manifest["files"] = {BACKBONE: hashlib.sha256(_graph()).hexdigest()}
    # Shorter than the real one in what nobody reads, so that changes meet what is read.
    manifest["feature_dim"] = 4
    for golden in manifest["golden"]:
        golden["feature"] = golden["feature"][:4]
    kept = ("format", "name", "feature_dim", "precision", "input", "files", "golden")
    return [json.dumps({name: manifest[name] for name in kept}).encode()]


def _labels() -> list[bytes]:
    return [
        text.encode("utf-8", "surrogateescape") for text in ("mug", "中文", "e\u0301", "a/b", "\udcff", " x ")
    ]


def _in_json(data: bytes, most: int, seed: int) -> bytes:
    return change_json(data, random.Random(seed))[:most]


TARGETS = {
    "bundle": Target(_read_bundle, _manifests, change=_in_json, most=20_000),
    "graph": Target(_read_graph, _graphs, words=(b"Loop", b"com.microsoft", b"EPContext"), most=20_000),
    "label": Target(
        _read_label, _labels, words=(b"\x1b[2J", b"\xe2\x80\xa8", b"\xc2\x85", b"\xed\xa0\x80"), most=800
    ),
}
