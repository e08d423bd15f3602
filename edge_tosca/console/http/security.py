"""Admit requests by token, host name and origin; set the browsers' security headers."""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_tosca.console.http.guesses import wait_for_guess
from edge_tosca.console.http.limits import WITHOUT_TOKEN, Rates, network_of, too_many
from edge_tosca.console.http.requester import Requester, User, requester, set_requester
from edge_tosca.console.http.roles import least_role
from edge_tosca.console.http.tokens import Sessions
from edge_tosca.console.options import Options, Role

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; "
        b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), usb=(), payment=()"),
)


def is_loopback(address: str) -> bool:
    """Return whether an address can be reached from this machine only.

    Args:
        address: IP address or host name.
    """
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_admitted(scope: Scope) -> bool:
    """Return whether a request carries the token, or none is needed.

    Args:
        scope: of a request that `Guard` has passed on.
    """
    return scope["type"] == "http" and requester().user is not None


class Guard:
    """Middleware that refuses other sites, other host names and requests without the token; adds headers."""

    def __init__(self, app: ASGIApp, options: Options, sessions: Sessions, rates: Rates) -> None:
        self._app, self._sessions, self._rates = app, sessions, rates
        self._hosts = frozenset(name.lower().rstrip(".") for name in known_names(options))
        self._any_address = is_wildcard(options.address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        headers = Headers(scope=scope)
        method, path = scope["method"], scope["path"]
        for_api = path.startswith("/api/") or path == "/metrics"
        refusal = self._foreign_name(headers) or self._foreign_site(headers, method, for_api)
        if refusal is not None:
            await JSONResponse({"error": refusal}, 403)(scope, receive, with_headers)
            return
        client = scope["client"][0] if scope.get("client") else ""
        user = self._sessions.user(headers.get("authorization", ""), headers.get("cookie", ""))
        set_requester(Requester(network_of(client), user))
        least = least_role(method, path) if for_api else None
        refused = self._refused(headers, client, user, least)
        await (self._app if refused is None else refused)(scope, receive, with_headers)

    def _refused(
        self, headers: Headers, client: str, user: User | None, least: Role | None
    ) -> JSONResponse | None:
        """Refuse a request without a valid token, or of a user who may not do this."""
        if user is None and (least is not None or "authorization" in headers):
            # The right token passed already: only wrong ones and none are limited.
            guess = "authorization" in headers or self._sessions.has_cookie(headers.get("cookie", ""))
            wait = wait_for_guess(self._rates, client) if guess else self._rates.wait(WITHOUT_TOKEN, client)
            if wait > 0:
                return too_many(wait)
        if least is None or (user is not None and user.role >= least):
            return None
        if user is None:
            sentence = "this needs the token that the console was started with"
            return JSONResponse({"error": sentence}, 401, {"WWW-Authenticate": "Bearer"})
        error = f"this needs the role {least.word}, and this token has the role {user.role.word}"
        return JSONResponse({"error": f"{error}; sign in with another token", "code": "role"}, 403)

    def _foreign_name(self, headers: Headers) -> str | None:
        """Refuse host names that are not this console's, against DNS rebinding."""
        name = _host_of(headers.get("host", ""))
        if name in self._hosts or (self._any_address and _is_address(name)):
            return None
        return "this console has another name; use its address, or start it with --host and this name"

    def _foreign_site(self, headers: Headers, method: str, for_api: bool) -> str | None:
        """Refuse requests that a browser sends for another site's page."""
        safe = method in ("GET", "HEAD", "OPTIONS")
        site = headers.get("sec-fetch-site")
        origin = headers.get("origin")
        # A link from another site may lead to the page, but only the page may use the API.
        foreign = site not in (None, "same-origin", "none") and (for_api or not safe)
        if origin is not None and not safe:
            foreign = foreign or urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        return "this request comes from another site; open the console's own page" if foreign else None


def known_names(options: Options) -> list[str]:
    """List the names under which a console answers.

    Args:
        options: of the server.

    Returns:
        Host names and addresses, without ports.
    """
    names = [*options.hosts]
    if is_loopback(options.address):
        names += ["localhost", "127.0.0.1", "::1"]
    elif is_wildcard(options.address):
        names += ["localhost", socket.gethostname(), f"{socket.gethostname()}.local"]
    return [*names, options.address]


def is_wildcard(address: str) -> bool:
    """Return whether an address stands for all addresses of this machine.

    Args:
        address: IP address or host name.
    """
    return address in ("", "0.0.0.0", "::")


def _host_of(host: str) -> str:
    name = host.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.rpartition(":")[0] if ":" in name else name.rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
