"""Count and log every request; answer an internal error with one sentence instead of a traceback."""

import logging
import time
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_tosca.console.http.guesses import Refusals

_log = logging.getLogger("edge_tosca.console")

_ALWAYS_LOGGED = {
    "/session",
    "/session/join",
    "/join",
    "/learn",
    "/jobs/undo",
    "/classes/forget",
    "/classes/rename",
    "/rollback",
    "/settings",
    "/cameras",
    "/packs/import",
    "/packs/trust",
    "/packs/export",
}
"""Routes whose every request is logged; others only on errors: an open page sends ten requests a second, and
logging all of them would wear out a memory card."""

_REFUSED = (401, 429)
"""Logged once a minute for each client: a program that guesses tokens would fill the disk."""


class AccessLog:
    """The outermost middleware.

    Args:
        app: the application inside.
        on_request: called after each request with its method, its route's pattern and the response's status.
    """

    def __init__(self, app: ASGIApp, on_request: Callable[[str, str, int], None]) -> None:
        self._app, self._on_request = app, on_request
        self._refusals = Refusals()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except TimeoutError:
            # The client stalled while the answer was sent; its connection is closed.
            _log.info("a client did not take its answer", extra={"path": scope["path"][:200]})
            raise
        except Exception:
            _log.exception("a fault of edge-tosca itself", extra={"path": scope["path"][:200]})
            if not status:
                error = {"error": "a fault of edge-tosca itself; its log says more"}
                await JSONResponse(error, 500)(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = _method(scope["method"])
            self._on_request(method, route, status)
            client = scope["client"][0] if scope.get("client") else None
            refused = self._refusals.count(client or "") if status in _REFUSED else 0
            if refused is not None:
                _log.log(
                    logging.INFO if status >= 400 or route in _ALWAYS_LOGGED else logging.DEBUG,
                    "request",
                    extra={
                        "method": method,
                        "route": route,
                        "status": status,
                        "client": client,
                        "milliseconds": round(1e3 * (time.perf_counter() - began), 1),
                        **({"refused": refused} if refused > 1 else {}),
                    },
                )


def _method(method: str) -> str:
    return method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "other"
