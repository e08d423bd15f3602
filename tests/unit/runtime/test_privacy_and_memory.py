"""Nothing leaves the box: the engines write no identifier and open no connection. And the box is small."""

import os
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from edge_tosca.runtime.hardware import int8_overflows

pytestmark = pytest.mark.slow

ENGINES = {
    "onnxruntime": "import_onnxruntime",
    "openvino": "import_openvino",
}

NO_SOCKETS = """
import socket
def refuse(*args, **kwargs):
    raise SystemExit("a connection was opened")
socket.socket.connect = refuse
socket.create_connection = refuse
"""

A_DAY = """
import numpy as np
from edge_tosca.runtime import Bundle, open_backend
bundle = Bundle.load()
backend = open_backend(bundle, {engine!r}, hint="THROUGHPUT")
size = bundle.preprocessing.size
assert len(list(backend.stream([np.zeros((1, 3, size, size), np.float32)] * 4))) == 4
"""

ATTEMPTS = """
rows = [line.split() for line in open("/proc/net/snmp") if line.startswith("Ip:")]
print(dict(zip(*rows))["OutNoRoutes"])
"""

MEASURE = """
import sys
from pathlib import Path
from edge_tosca.runtime import Bundle, extract, open_backend
bundle = Bundle.load()
backend = open_backend(bundle, threads=2)
results = list(extract(sys.argv[1:] * 8, bundle.preprocessing, backend))
assert all(result.error is None for result in results)
# Not getrusage: its high-water mark survives exec and so includes the process that ran the tests.
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(int(peak.split()[1]) // 1024)
"""


def run(code, home, *arguments, before=()):
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("ORT_", "XDG_", "CI"))
    }
    environment["HOME"] = str(home)
    done = subprocess.run(
        [*before, sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("engine", ENGINES)
def test_importing_an_engine_leaves_no_trace_at_home(engine, tmp_path):
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    run(f"{NO_SOCKETS}\nfrom edge_tosca.runtime.no_telemetry import *\n{ENGINES[engine]}()", tmp_path)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_writes_into_the_cache_directory_alone(engine, tmp_path):
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    # The working directory is the home here.
    run(A_DAY.format(engine=engine), tmp_path)
    written = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert all(name.startswith(".cache/edge-tosca/") for name in written), written
    # Where int8 overflows, compiled graphs are not kept.
    assert bool(written) == (engine == "openvino" and not int8_overflows())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_sends_no_packet(engine, tmp_path):
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    alone = ("unshare", "-n") if os.geteuid() == 0 else ("unshare", "-rn")
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("a network namespace is not permitted here")
    # The kernel counts what has nowhere to go, whichever library sends it.
    knock = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass\n"
    assert int(run(knock + ATTEMPTS, tmp_path, before=alone)) > 0
    assert int(run(A_DAY.format(engine=engine) + ATTEMPTS, tmp_path, before=alone)) == 0


def test_importing_the_room_loads_no_engine(tmp_path):
    code = "import sys, edge_tosca.runtime\nprint({'onnxruntime', 'openvino', 'torch'} & set(sys.modules))"
    assert run(code, tmp_path).strip() == "set()"


@pytest.mark.parametrize(
    ("size", "orientation", "megabytes"),
    [
        ((4056, 3040), 1, 140),
        ((4056, 3040), 6, 140),
        ((4055, 3041), 1, 180),
        ((4055, 3041), 6, 230),
    ],
    ids=["scaled", "scaled and turned", "every pixel", "every pixel and turned"],
)
def test_camera_pictures_fit_a_devices_memory(tmp_path, size, orientation, megabytes):
    # A Raspberry Pi camera's 12 megapixels, decoded at a quarter; of sides that do not divide every pixel is
    # decoded: 49 MB, twice that while it is turned. Seen 111, 117, 149 and 206, 95 of them for all the rest.
    # All of edge-tosca must stay below 300.
    path = tmp_path / "camera.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.effect_noise(size, 60).convert("RGB").save(path, quality=80, exif=exif)
    assert int(run(MEASURE, tmp_path, path)) < megabytes
