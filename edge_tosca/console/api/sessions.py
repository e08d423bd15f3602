"""Routes that exchange a token for a session cookie, and that list and revoke the sessions of all phones."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from edge_tosca.console.api.openapi import Key
from edge_tosca.console.api.session_messages import (
    PhoneMessage,
    PhonesMessage,
    RevokedMessage,
    SessionMessage,
    TokenMessage,
)
from edge_tosca.console.app_state.state import client_of
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.guesses import wait_for_guess
from edge_tosca.console.http.requester import User, requester
from edge_tosca.console.http.tokens import Sessions
from edge_tosca.console.options import Role

router = APIRouter(tags=["session"])


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def _message(sessions: Sessions, user: User | None) -> SessionMessage:
    return SessionMessage(
        needed=sessions.needed,
        open=user is not None,
        name=None if user is None else user.name,
        role=None if user is None else user.role.word,
    )


@router.get("/session")
async def session(request: Request) -> SessionMessage:
    """Return whether a token is needed, and as whom this client is signed in."""
    return _message(_sessions(request), requester().user)


@router.post("/session")
async def begin(request: Request, response: Response, body: TokenMessage) -> SessionMessage:
    """Sign in: exchange the token for a cookie."""
    sessions = _sessions(request)
    if not sessions.needed:
        return _message(sessions, User(Role.ADMINISTER))
    client = client_of(request)
    # The token comes first: wrong ones, of this address or of others, never keep a right one out.
    user = sessions.user_of_token(body.token)
    if user is None:
        wait = wait_for_guess(request.app.state.rates, client)
        if wait > 0:
            raise ApiError(429, "too many wrong tokens; try again later", {"Retry-After": str(int(wait) + 1)})
        raise ApiError(401, "this is not the token that the console was started with")
    agent = request.headers.get("user-agent", "")
    response.headers["Set-Cookie"] = sessions.begin(body.token, user, client, agent, secure=_secure(request))
    return _message(sessions, user)


@router.delete("/session")
async def end(request: Request, response: Response) -> SessionMessage:
    """Sign out: end the session of this client."""
    sessions = _sessions(request)
    response.headers["Set-Cookie"] = sessions.end(request.headers.get("cookie", ""), secure=_secure(request))
    return _message(sessions, None if sessions.needed else User(Role.ADMINISTER))


@router.get("/sessions")
async def phones(request: Request) -> PhonesMessage:
    """List the signed-in phones and browsers, and the users who have a token."""
    sessions = _sessions(request)
    own = sessions.current(request.headers.get("cookie", ""))
    return PhonesMessage(
        sessions=[
            PhoneMessage(
                id=one.id,
                name=one.name,
                role=one.role,
                began=_moment(one.began),
                seen=_moment(one.seen),
                client=one.client,
                agent=one.agent,
                own=one.id == own,
            )
            for one in sessions.listed()
        ],
        users={user.name or "": user.role.word for user in sessions.users()},
    )


@router.delete("/sessions")
async def revoke(request: Request, key: Key) -> RevokedMessage:
    """Sign a phone out, by the id of its session."""
    if not _sessions(request).revoke(key):
        raise ApiError(404, "this phone is not signed in any more; load the page again")
    return RevokedMessage(revoked=1)


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
