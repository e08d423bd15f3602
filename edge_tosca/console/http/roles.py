"""The least role of each route of the API; docs/console.md has the table."""

import re

from edge_tosca.console.options import Role

API = "/api/v1"

_VIEW = (
    "POST /predict",
    "POST /burst",
    "GET /live",
    "GET /live/events",
    "GET /live/tiles",
    "GET /live/tiles/events",
    "POST /live/frame",
    "GET /answers",
    "GET /answers/evidence",
    "GET /camera",
    "GET /camera/frame",
    "GET /camera/stream",
    "GET /cameras",
    "GET /regions",
    "GET /classes",
    "GET /classes/thumbnail",
    "GET /history",
    "GET /picture",
    "GET /settings",
    "GET /severity",
    "GET /strictness",
    "GET /tally",
    "POST /regions/{region}/look",
    "GET /openapi.json",
    "GET /join",
    "POST /join",
)
_TEACH = (
    "POST /answers/correct",
    "POST /answers/confirm",
    "GET /queue",
    "POST /queue",
    "DELETE /queue",
    "POST /queue/capture",
    "POST /queue/name",
    "DELETE /queue/picture",
    "POST /learn",
    "GET /jobs",
    "GET /jobs/events",
    "POST /jobs/undo",
    "GET /inbox",
    "DELETE /inbox",
    "POST /inbox/move",
    "GET /questions",
    "POST /classes/rename",
    "POST /rollback",
)
_ADMINISTER = (
    "POST /classes/forget",
    "POST /none/forget",
    "POST /packs/inspect",
    "POST /packs/import",
    "POST /packs/trust",
    "POST /packs/export",
    "PUT /settings",
    "PUT /severity",
    "PUT /strictness",
    "PUT /tally",
    "PUT /regions",
    "DELETE /regions",
    "POST /cameras",
    "DELETE /cameras",
    "GET /store",
    "GET /doctor",
    "GET /fleet",
    "PUT /fleet/share",
    "GET /sessions",
    "DELETE /sessions",
)

_LOOK = re.compile(rf"(?<= ){API}/regions/[^/]+/look$")
"""The only route with a name in its path."""

OPEN = frozenset(
    f"{method} {API}{path}"
    for method, path in (
        ("GET", "/health"),
        ("HEAD", "/health"),
        ("GET", "/session"),
        ("POST", "/session"),
        ("DELETE", "/session"),
        ("POST", "/session/join"),
    )
)
"""Routes that answer without a token."""

LEAST = {"GET /metrics": Role.VIEW} | {
    f"{method} {API}{path}": role
    for role, routes in ((Role.VIEW, _VIEW), (Role.TEACH, _TEACH), (Role.ADMINISTER, _ADMINISTER))
    for method, path in (route.split() for route in routes)
}


def least_role(method: str, path: str) -> Role | None:
    """Return the least role that may use a route.

    Args:
        method: of HTTP.
        path: of the request.

    Returns:
        The role; None if the route answers without a token. An unlisted one needs the administrator's.
    """
    route = _LOOK.sub(f"{API}/regions/{{region}}/look", f"{method} {path}")
    return None if route in OPEN else LEAST.get(route, Role.ADMINISTER)
