"""Routes that exchange the token for a session cookie."""

from fastapi import APIRouter, Request, Response

from edge_tosca.console.api.messages import SessionMessage, TokenMessage
from edge_tosca.console.app_state.state import client_of
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.limits import TOKENS
from edge_tosca.console.http.security import is_admitted
from edge_tosca.console.http.tokens import Sessions

router = APIRouter(tags=["session"])


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


@router.get("/session")
async def session(request: Request) -> SessionMessage:
    """Return whether a token is needed, and whether this client is signed in."""
    return SessionMessage(needed=_sessions(request).needed, open=is_admitted(request.scope))


@router.post("/session")
async def begin(request: Request, response: Response, body: TokenMessage) -> SessionMessage:
    """Sign in: exchange the token for a cookie."""
    sessions = _sessions(request)
    if not sessions.needed:
        return SessionMessage(needed=False, open=True)
    wait = request.app.state.rates.wait(TOKENS, client_of(request))
    if wait > 0:
        seconds = str(int(wait) + 1)
        raise ApiError(429, "too many wrong tokens; try again later", {"Retry-After": seconds})
    if not sessions.is_token(body.token):
        raise ApiError(401, "this is not the token that the console was started with")
    response.headers["Set-Cookie"] = sessions.begin()
    return SessionMessage(needed=True, open=True)


@router.delete("/session")
async def end(request: Request, response: Response) -> SessionMessage:
    """Sign out: end the session of this client."""
    sessions = _sessions(request)
    response.headers["Set-Cookie"] = sessions.end(request.headers.get("cookie", ""))
    return SessionMessage(needed=sessions.needed, open=not sessions.needed)
