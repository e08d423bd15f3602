"""Counts and logs every request, and tells a fault of the program in one sentence instead of a traceback."""

import logging
import time

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("edge_tosca.console")

_TOLD = {
    "/session",
    "/learn",
    "/jobs/undo",
    "/classes/forget",
    "/classes/rename",
    "/rollback",
    "/settings",
    "/packs/import",
    "/packs/export",
}
"""Routes whose every request is logged: a page that looks asks ten times a second, and a card wears out."""


class Watch:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and take it down."""
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
            # A client that does not take its answer; its connection is closed.
            _log.info("a client did not take its answer", extra={"path": scope["path"][:200]})
            raise
        except Exception:
            _log.exception("a fault of edge-tosca itself", extra={"path": scope["path"][:200]})
            if not status:
                error = {"error": "a fault of edge-tosca itself; its log says more"}
                await JSONResponse(error, 500)(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            station = getattr(scope["app"].state, "station", None) if "app" in scope else None
            if station is not None:
                station.metrics.requests.labels(_method(scope["method"]), route, str(status)).inc()
            _log.log(
                logging.INFO if status >= 400 or route in _TOLD else logging.DEBUG,
                "request",
                extra={
                    "method": _method(scope["method"]),
                    "route": route,
                    "status": status,
                    "client": scope["client"][0] if scope.get("client") else None,
                    "milliseconds": round(1e3 * (time.perf_counter() - began), 1),
                },
            )


def _method(method: str) -> str:
    return method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "other"
