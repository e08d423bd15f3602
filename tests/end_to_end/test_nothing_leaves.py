"""Nothing leaves the box: no verb opens a way out, or writes anywhere but where it was told to."""

import os
import shutil
import subprocess

import pytest

# Put before everything else in the process: whatever is not this machine is written down and refused.
GUARD = """
import os, socket

def refuse(what, where):
    with open(os.environ["ATTEMPTS"], "a") as file:
        print(what, where, file=file)
    raise PermissionError(f"{what} {where}: nothing may leave")

def is_local(kind, address):
    return kind == socket.AF_UNIX or str(address[0]) in ("127.0.0.1", "::1", "localhost")

class Guarded(socket.socket):
    def guarded(self, name, address, *args):
        if address is None or is_local(self.family, address):
            return getattr(super(), name)(*args)
        return refuse(name, address)

    def connect(self, address):
        return self.guarded("connect", address, address)

    def connect_ex(self, address):
        return self.guarded("connect_ex", address, address)

    def sendto(self, data, *rest):
        return self.guarded("sendto", rest[-1], data, *rest)

    def sendmsg(self, buffers, ancillary=(), flags=0, address=None):
        return self.guarded("sendmsg", address, buffers, ancillary, flags, address)

def look_up(name):
    found = getattr(socket, name)
    def guarded(host, *rest, **options):
        return found(host, *rest, **options) if is_local(None, (host,)) else refuse(name, host)
    setattr(socket, name, guarded)

socket.socket = Guarded
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    look_up(name)
"""


@pytest.fixture
def guard(tmp_path):
    """Environment of a process under guard, with a home of its own, and where attempts are noted."""
    (tmp_path / "inject").mkdir()
    (tmp_path / "inject" / "sitecustomize.py").write_text(GUARD)
    (tmp_path / "home").mkdir()
    home = {
        name: str(tmp_path / "home")
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    }
    env = {**home, "PYTHONPATH": str(tmp_path / "inject"), "ATTEMPTS": str(tmp_path / "attempts")}
    return env, tmp_path / "attempts", tmp_path / "home"


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
        ("watch", store, "--camera", f"{frames}?fps=20", "--on-change", "cat"),
        ("classes", store),
        ("history", store),
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


def test_every_verb_works_where_there_is_no_network_at_all(edge, photos, asked, tmp_path):
    command = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    probe = subprocess.run([*command, "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"a network namespace is not permitted here: {probe.stderr.strip()}")
    a_day(edge, photos, asked, tmp_path, before=tuple(command))
