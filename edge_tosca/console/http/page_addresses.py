"""Addresses of the page that another device can open, and the QR code that carries one."""

import segno

from edge_tosca.console.http.security import is_loopback, is_wildcard
from edge_tosca.console.options import Options
from edge_tosca.system.network import lan_addresses


def page_addresses(options: Options, port: int) -> list[str]:
    """List the addresses of the page for devices of the network.

    Args:
        options: of the server.
        port: that it listens on.

    Returns:
        URLs with a slash at the end, the likeliest first; none if only this machine reaches the console.
    """
    if is_loopback(options.address):
        return []
    hosts = lan_addresses() if is_wildcard(options.address) else [options.address]
    if options.address == "0.0.0.0":
        hosts = [host for host in hosts if ":" not in host]
    # A certificate from elsewhere has names, hardly ever addresses.
    hosts = [*options.hosts, *hosts] if options.tls_cert is not None else [*hosts, *options.hosts]
    secure = options.tls_auto or options.tls_cert is not None
    return [page_address("https" if secure else "http", host, port, options.root_path) for host in hosts]


def page_address(scheme: str, host: str, port: int | None, root_path: str = "") -> str:
    """Write the address of a page.

    Args:
        scheme: http or https.
        host: name or IP address.
        port: of TCP; None for the scheme's own.
        root_path: path under which a proxy shows the console.
    """
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}{'' if port is None else f':{port}'}{root_path}/"


def join_address(page: str, code: str) -> str:
    """Write the address that lets a phone join.

    Args:
        page: address of the page.
        code: one-time code. It follows the "#", which browsers send to no server and in no referrer.
    """
    return f"{page}#/join?code={code}"


def qr_picture(address: str) -> str:
    """Draw an address as a QR code for a page.

    Args:
        address: to open.

    Returns:
        An SVG as a data URI, dark on white, with the quiet zone.
    """
    return str(segno.make(address, error="m", micro=False).svg_data_uri(scale=6, dark="#000", light="#fff"))


def qr_text(address: str) -> str:
    """Draw an address as a QR code for a terminal, in half blocks, with ANSI colours.

    Args:
        address: to open.

    Returns:
        Lines, black on white whatever the colours of the terminal.
    """
    code = segno.make(address, error="l", micro=False)
    matrix = [[bool(module) for module in row] for row in code.matrix_iter(border=2)]
    if len(matrix) % 2:
        matrix.append([False] * len(matrix[0]))
    rows = zip(matrix[::2], matrix[1::2], strict=True)
    blocks = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    lines = ["".join(blocks[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in rows]
    return "\n".join(f"\x1b[30;107m{line}\x1b[0m" for line in lines)
