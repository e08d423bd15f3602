"""Addresses of this machine in its networks, as other machines reach it (Linux)."""

import contextlib
import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

_SIOCGIFADDR = 0x8915
_SIOCGIFFLAGS = 0x8913
_UP = 0x1
_LOOPBACK = 0x8

_INTERNAL = ("docker", "br-", "veth", "virbr", "lxc", "cni", "flannel")
"""Interfaces to containers and virtual machines: no phone is behind them."""


def lan_addresses() -> list[str]:
    """List the addresses under which other machines of the network reach this one.

    Returns:
        IPv4 addresses, the one of the default route first, then global and unique local IPv6 addresses; empty
        without a network. Nothing is sent.
    """
    interfaces: list[str] = []
    # A service's sandbox may forbid the list; the default route's address can be found nevertheless.
    with contextlib.suppress(OSError):
        interfaces = [name for _, name in socket.if_nameindex() if not name.startswith(_INTERNAL)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        found = [address for name in interfaces if (address := _ipv4(probe, name)) is not None]
        default = _default(probe)
    first = [default] if default in found or (default and not interfaces) else []
    return list(dict.fromkeys([*first, *found, *_ipv6(interfaces)]))


def _ipv4(probe: socket.socket, interface: str) -> str | None:
    request = struct.pack("256s", interface.encode()[:15])
    try:
        (flags,) = struct.unpack_from("H", fcntl.ioctl(probe.fileno(), _SIOCGIFFLAGS, request), 16)
        if not flags & _UP or flags & _LOOPBACK:
            return None
        return socket.inet_ntoa(fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)[20:24])
    except OSError:
        return None


def _default(probe: socket.socket) -> str:
    # A datagram socket only looks up the route: no packet leaves.
    with contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return ""


def _ipv6(interfaces: list[str]) -> list[str]:
    found = []
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text("ascii").splitlines():
            digits, _, _, _, _, interface = line.split()
            address = ipaddress.IPv6Address(bytes.fromhex(digits))
            if interface in interfaces and not address.is_loopback and not address.is_link_local:
                found.append(str(address))
    return found
