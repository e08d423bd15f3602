"""Serve the page's files from a fixed table of names, so that no name from a client becomes a path."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge_tosca.console.http.errors import ApiError

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}


def page_routes() -> list[Route]:
    """Create a route for each file of the page.

    Returns:
        The routes; index.html is also at the root.
    """
    table = dict(_files_in(files("edge_tosca.console").joinpath("static"), ""))
    routes = [Route(f"/{name}", _serve(file, name), methods=["GET", "HEAD"]) for name, file in table.items()]
    if "index.html" in table:
        routes.append(Route("/", _serve(table["index.html"], "index.html"), methods=["GET", "HEAD"]))
    return routes


def _files_in(folder: Traversable, before: str) -> list[tuple[str, Traversable]]:
    if not folder.is_dir():
        return []
    found: list[tuple[str, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        name = before + entry.name
        if entry.is_dir():
            found += _files_in(entry, f"{name}/")
        elif _suffix(name) in _TYPES:
            found.append((name, entry))
    return found


def _serve(file: Traversable, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            content = file.read_bytes()
        except OSError:
            raise ApiError(404, "this file of the page is missing; install edge-tosca again") from None
        headers = {"Cache-Control": "no-cache"}
        return Response(content, media_type=_TYPES[_suffix(name)], headers=headers)

    return serve


def _suffix(name: str) -> str:
    return name[name.rfind(".") :].lower() if "." in name else ""
