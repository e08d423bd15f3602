"""Nothing leaves the box: no verb opens a way out, or writes anywhere but where it was told to."""

from pathlib import Path

import pytest
from tests.offline.ways import CannotCutOffError, build_trap, namespace
from tests.unit.watch.shelf import SECRET

ROOT = Path(__file__).parents[2]

# Each imports a package as the program does, and looks whether a client that could send is there.
TELEMETRY = {
    "openvino": """
import sys
from edge_tosca.runtime.no_telemetry import import_openvino
import_openvino()
import openvino.tools.ovc.telemetry_utils as used
print("off" if used.tm.__name__ == "openvino.tools.ovc.telemetry_stub" else used.tm.__name__)
""",
    "nncf": """
import warnings
warnings.simplefilter("ignore")
from edge_tosca.runtime.no_telemetry import block_openvino_telemetry
block_openvino_telemetry()
import nncf
from importlib import import_module
used = import_module("nncf.telemetry.wrapper")
print("off" if isinstance(used.telemetry, used.NNCFTelemetryStub) else "on")
""",
    "onnxruntime": """
import os
from edge_tosca.runtime.no_telemetry import import_onnxruntime
import_onnxruntime()
print("off" if os.environ["ORT_DISABLE_TELEMETRY"] == "1" else "on")
""",
}


def a_day(edge, photos, asked, folder, **options):
    """Run every verb that a device uses, and check that each did its work."""
    store, frames = folder / "shop.tosca", folder / "frames.mjpeg"
    frames.write_bytes(b"".join(path.read_bytes() for path in sorted((asked / "apple").iterdir())))
    for words in (
        ("init", store),
        ("learn", store, photos / "task1"),
        ("learn", store, photos / "task2"),
        ("predict", store, asked / "apple"),
        ("evaluate", store, asked),
        ("forget", store, "cone"),
        ("rollback", store, 1),
        ("embed", photos / "task1", "--out", folder / "f.npz"),
        ("watch", store, "--camera", f"{frames}?fps=20", "--on-change", "true"),
        ("watch", store, "--camera", f"{frames}?fps=20", "--trigger", "motion"),
        ("tally", store, "--keep", "30"),
        ("tally", store, "--csv"),
        ("store", "severity", store, "brick", "alarm"),
        ("classes", store),
        ("history", store),
        ("verify", store),
        ("store", "compact", store),
        ("doctor", store),
    ):
        ran = edge(*words, **options)
        assert (ran.code, ran.err) == (0, ""), words


def test_the_guard_notices_attempts(start, finish, guard):
    env, attempts, _ = guard
    programs = (
        "socket.create_connection(('192.0.2.1', 80), 1)",
        "socket.getaddrinfo('example.org', 80)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
        "__import__('urllib.request').request.urlopen('http://192.0.2.1')",
    )
    for number, program in enumerate(programs, start=1):
        assert finish(start(program=("-c", f"import socket; {program}"), env=env)).code == 1
        assert len(attempts.read_text().splitlines()) >= number


def test_no_verb_tries_to_reach_anything(edge, photos, asked, guard, tmp_path):
    env, attempts, home = guard
    a_day(edge, photos, asked, tmp_path, env=env)
    assert not attempts.exists(), attempts.read_text()
    # No device identifier, no queue of events to be sent later: what the golden pictures gave, no more.
    written = [path for path in home.rglob("*") if path.is_file()]
    assert {path.parent for path in written} <= {home / "edge-tosca" / "golden"}
    assert {path.suffix for path in written} <= {".safetensors"}


def test_a_webhook_reaches_its_receiver_and_nothing_else(edge, photos, asked, tmp_path, trap, shelf):
    """With an address on loopback nothing leaves; neither a redirect nor a proxy leads elsewhere."""
    env, attempts = trap
    store, frames = tmp_path / "shop.tosca", tmp_path / "frames.mjpeg"
    frames.write_bytes(b"".join(path.read_bytes() for path in sorted((asked / "apple").iterdir())))
    assert edge("init", store).code == 0
    assert edge("learn", store, photos / "task1").code == 0
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    proxy = dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://192.0.2.1:3128")
    camera = f"{frames}?fps=20&loop=1"
    watch = ("watch", store, "--camera", camera, "--answers", "12", "--webhook", shelf.url)
    ran = edge(*watch, "--webhook-secret-file", secret, env={**env, **proxy})
    assert (ran.code, ran.err) == (0, "")
    assert shelf.labels()[0] == "apple"
    shelf.status, shelf.headers = 307, {"Location": "http://192.0.2.1/"}
    ran = edge(*watch, "--webhook-secret-file", secret, env={**env, **proxy})
    assert "is not followed" in ran.err
    assert not attempts.exists(), attempts.read_text()


# After everything else in the process: what the namespace's kernel could not send, whichever library tried.
COUNT = """
import atexit, os, sys
sys.path.insert(0, os.environ["TESTS"])
from tests.offline.ways import nowhere_to_go
def tell():
    with open(os.environ["ATTEMPTS"], "a") as file:
        print(nowhere_to_go(), file=file)
atexit.register(tell)
"""

KNOCKS = (
    # In Python, past Python's own guard, and by a name.
    "socket.create_connection(('192.0.2.1', 80), 1)",
    "ctypes.CDLL(None).connect(socket.socket().fileno(), struct.pack('=HHI8x', 2, 80, 0x010200C0), 16)",
    "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
    "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('2001:db8::1', 9))",
    "socket.getaddrinfo('example.org', 80)",
)


@pytest.fixture
def away():
    try:
        return namespace()
    except CannotCutOffError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def trap(tmp_path):
    """Environment of a process before whose libc the trap lies, and where attempts are noted."""
    try:
        library = build_trap(tmp_path)
    except CannotCutOffError as reason:
        pytest.skip(str(reason))
    attempts = tmp_path / "trapped"
    return {"LD_PRELOAD": str(library), "TRAP_LOG": str(attempts)}, attempts


def test_every_verb_works_where_there_is_no_network_at_all_and_sends_nothing(
    edge, start, finish, photos, asked, tmp_path, away
):
    (tmp_path / "inject").mkdir()
    (tmp_path / "inject" / "sitecustomize.py").write_text(COUNT)
    counts = tmp_path / "counts"
    env = {"PYTHONPATH": str(tmp_path / "inject"), "TESTS": str(ROOT), "ATTEMPTS": str(counts)}
    # Each command has a namespace of its own.
    a_day(edge, photos, asked, tmp_path, before=away, env=env)
    assert set(counts.read_text().split()) == {"0"}
    knock = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass"
    assert finish(start(program=("-c", knock), before=away, env=env)).code == 0
    assert int(counts.read_text().split()[-1]) > 0


def test_no_library_of_any_verb_reaches_for_another_machine(edge, photos, asked, tmp_path, trap):
    env, attempts = trap
    a_day(edge, photos, asked, tmp_path, env=env)
    assert not attempts.exists(), attempts.read_text()


@pytest.mark.parametrize("knock", KNOCKS)
def test_the_trap_notices(start, finish, trap, knock):
    env, attempts = trap
    finish(start(program=("-c", f"import ctypes, socket, struct; {knock}"), env=env))
    assert len(attempts.read_text().splitlines()) == 1
    local = "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    assert finish(start(program=("-c", f"import socket; {local}"), env=env)).code == 0
    assert len(attempts.read_text().splitlines()) == 1


@pytest.mark.parametrize("package", ["openvino", "nncf", "onnxruntime"])
def test_the_telemetry_of_a_dependency_is_off_before_it_is_imported(start, finish, trap, tmp_path, package):
    """Neither a client that would send, nor an identifier on the disk, nor an attempt."""
    pytest.importorskip(package, reason=f"{package} is not installed")
    env, attempts = trap
    (tmp_path / "home").mkdir()
    ran = finish(start(program=("-c", TELEMETRY[package]), env={**env, "HOME": str(tmp_path / "home")}))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.split() == ["off"]
    assert not attempts.exists(), attempts.read_text()
    assert list((tmp_path / "home").rglob("*")) == []
