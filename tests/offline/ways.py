"""The two ways of cutting a process off: a namespace without a network, and a trap in front of libc."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("trap.c")
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


class CannotCutOffError(Exception):
    """Something that is needed is not permitted or not installed here."""


def namespace() -> tuple[str, ...]:
    """Give what to put before a command so that it runs where there is no interface but loopback.

    Raises:
        CannotCutOffError: this user may not make a namespace here.
    """
    if shutil.which("unshare") is None:
        raise CannotCutOffError("unshare (util-linux) is not installed")
    command = ("unshare", "-n") if os.geteuid() == 0 else ("unshare", "-rn")
    probe = subprocess.run([*command, "true"], capture_output=True, text=True)
    if probe.returncode:
        raise CannotCutOffError(f"a network namespace is not permitted here: {probe.stderr.strip()}")
    return command


def raise_loopback() -> None:
    """Let this namespace's loopback interface work."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("16xH", fcntl.ioctl(channel, _SIOCGIFFLAGS, asked))
        fcntl.ioctl(channel, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def interfaces() -> list[str]:
    """Name the network interfaces of this namespace."""
    return sorted(name for _, name in socket.if_nameindex())


def nowhere_to_go() -> int:
    """Count what this namespace's kernel could not send, from whichever process and library it came."""
    rows = [
        line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:")
    ]
    six = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return int(dict(zip(*rows, strict=True))["OutNoRoutes"]) + int(six["Ip6OutNoRoutes"])


def build_trap(folder: Path) -> Path:
    """Compile trap.c.

    Args:
        folder: where to put the library.

    Returns:
        Its path.

    Raises:
        CannotCutOffError: there is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise CannotCutOffError("the trap needs a C compiler (cc or gcc), and none is installed")
    library = folder / "trap.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True)
    return library
