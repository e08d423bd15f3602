"""Boot the machine, run programs in it, and end it."""

import contextlib
import os
import pty
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

_HERE = Path(__file__).parent
_NEEDED = ("unshare", "nsenter", "systemctl")
_TARGET = "[Unit]\nDescription=A machine for a test\nWants=systemd-journald.service\nAllowIsolate=yes\n"
_SECONDS = 120


def why_not() -> str | None:
    """Say why no machine can be booted here; None where one can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "booting systemd in namespaces needs root"
    if missing := [program for program in _NEEDED if shutil.which(program) is None]:
        return f"{', '.join(missing)} is not installed"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    if _cgroups() is None:
        return "this kernel has no cgroup2 mounted"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--net", "--cgroup", "true"], capture_output=True
    )
    return None if tried.returncode == 0 else "namespaces are not allowed here"


def _cgroups() -> Path | None:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    return None


class Machine:
    """One booted machine.

    Args:
        folder: for what it needs outside; `shared` in it is /run/shared inside.
    """

    def __init__(self, folder: Path) -> None:
        self.shared = folder / "shared"
        self.shared.mkdir(parents=True)
        (self.shared / "machine.target").write_text(_TARGET)
        self._cgroup = (_cgroups() or Path()) / f"edge-tosca-test-{os.getpid()}"
        self._cgroup.mkdir()
        self._log = bytearray()
        controller, terminal = pty.openpty()
        # A group of its own, so that systemd does not find the processes outside.
        enter = f"echo $$ > {self._cgroup}/cgroup.procs && exec "
        spaces = "unshare --mount --pid --fork --kill-child --cgroup --uts --ipc --net "
        boot = f"sh {_HERE / 'boot.sh'} {folder} {os.ttyname(terminal)}"
        self._process = subprocess.Popen(
            ["sh", "-c", enter + spaces + boot],
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        threading.Thread(target=self._read, args=(controller,), daemon=True).start()
        self._first = self._first_process()
        self.wait_for(lambda: self.run("systemctl", "is-active", "machine.target").stdout.strip() == "active")

    @property
    def log(self) -> str:
        """What the machine wrote to its console."""
        return self._log.decode(errors="replace")

    def run(
        self, *command: object, check: bool = False, **options: object
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program inside, as root, and wait for it."""
        enter = [
            "nsenter",
            f"--target={self._first}",
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--net",
            "--cgroup",
        ]
        ran = subprocess.run(
            [*enter, "--", *map(str, command)],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"},
            timeout=170,
            **options,
        )
        if check:
            assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
        return ran

    def property(self, unit: str, name: str) -> str:
        """Ask systemd for a property of a unit."""
        return self.run("systemctl", "show", unit, f"--property={name}", "--value").stdout.strip()

    def wait_for(self, holds, seconds: float = _SECONDS):
        """Wait until something holds; only what never does is decided by time.

        Returns:
            What was waited for.
        """
        end = time.monotonic() + seconds
        while not (value := holds()):
            assert time.monotonic() < end, f"waited in vain; the machine said: {self.log[-3000:]}"
            time.sleep(0.2)
        return value

    def close(self) -> None:
        """End it, with all that runs inside."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._first, 9)
        self._process.wait()
        end = time.monotonic() + 10
        while self._cgroup.exists() and time.monotonic() < end:
            for group in sorted(self._cgroup.rglob("*"), reverse=True):
                if group.is_dir():
                    with contextlib.suppress(OSError):
                        group.rmdir()
            with contextlib.suppress(OSError):
                self._cgroup.rmdir()
            time.sleep(0.1)

    def _read(self, controller: int) -> None:
        with contextlib.suppress(OSError):
            while part := os.read(controller, 1 << 16):
                self._log += part

    def _first_process(self) -> int:
        """Find systemd: the child of unshare once it is systemd."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            children = (
                Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            )
            for child in children:
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                        return int(child)
            time.sleep(0.05)
        raise RuntimeError(f"the machine did not boot: {self.log[-3000:]}")
