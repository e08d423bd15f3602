"""Take client, scheme and host from a proxy's headers, if the proxy is trusted; strip its path."""

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from edge_tosca.errors import EdgeToscaError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(words: Sequence[str]) -> tuple[Network, ...]:
    """Read the values of --trusted-proxy.

    Args:
        words: addresses, or networks as ADDRESS/MASK.

    Returns:
        The networks.

    Raises:
        EdgeToscaError: one is neither.
    """
    try:
        return tuple(ipaddress.ip_network(word, strict=False) for word in words)
    except ValueError:
        raise EdgeToscaError(
            f"--trusted-proxy {', '.join(words)}: not an address; give ADDRESS or ADDRESS/MASK, as in "
            "127.0.0.1 or 10.0.0.0/24"
        ) from None


def is_within(client: str, networks: Sequence[Network]) -> bool:
    """Return whether an address belongs to one of some networks."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)


class Forwarded:
    """The outermost middleware: everything inside sees the request as the client sent it to the proxy."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network], root_path: str) -> None:
        self._app, self._trusted, self._root = app, trusted, root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._trusted and scope.get("client") and is_within(scope["client"][0], self._trusted):
            scope = self._as_sent(scope)
        if self._root:
            path = scope["path"]
            if path == self._root:
                # The page's addresses are relative to it.
                await RedirectResponse(f"{self._root}/", 307)(scope, receive, send)
                return
            if path.startswith(f"{self._root}/"):
                scope = {**scope, "path": path[len(self._root) :], "raw_path": None}
        await self._app(scope, receive, send)

    def _as_sent(self, scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        changed = dict(scope)
        # The client may have sent the first entries itself; each proxy appends the address that it saw.
        passed = [one.strip() for value in headers.getlist("x-forwarded-for") for one in value.split(",")]
        for address in reversed(passed):
            name = address.removeprefix("[").removesuffix("]")
            if not _is_address(name):
                break
            changed["client"] = (name, 0)
            if not is_within(name, self._trusted):
                break
        scheme = _last(headers, "x-forwarded-proto").lower()
        if scheme in ("http", "https"):
            changed["scheme"] = scheme
        if host := _last(headers, "x-forwarded-host"):
            others = [(key, value) for key, value in scope["headers"] if key != b"host"]
            changed["headers"] = [*others, (b"host", host.encode("latin-1"))]
        return changed


def _last(headers: Headers, name: str) -> str:
    values = headers.getlist(name)
    return values[-1].rpartition(",")[2].strip() if values else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
