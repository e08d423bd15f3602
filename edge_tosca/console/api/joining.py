"""Routes by which a phone joins: a QR code with a one-time code, and its exchange for a session."""

import ipaddress
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from edge_tosca.console.api.session_messages import (
    CodeMessage,
    InvitationMessage,
    InviteMessage,
    JoinMessage,
    SessionMessage,
)
from edge_tosca.console.app_state.state import AppState, AppStateDep, client_of
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.guesses import wait_for_guess
from edge_tosca.console.http.join_codes import LIFETIME_SECONDS, JoinCodes
from edge_tosca.console.http.page_addresses import join_address, page_address, page_addresses, qr_picture
from edge_tosca.console.http.requester import User, requester
from edge_tosca.console.http.security import is_loopback
from edge_tosca.console.http.tokens import Sessions
from edge_tosca.console.options import DEFAULT_PORT, ROLES, Role

router = APIRouter(tags=["session"])

_NOT_STORED = {"Cache-Control": "no-store"}


@router.get("/join")
async def how(request: Request, state: AppStateDep) -> JoinMessage:
    """Return where a phone finds the page, and which roles this user may give it."""
    user = _giver(request)
    certificate = state.certificate
    return JoinMessage(
        addresses=_addresses(request, state),
        roles=[role.word for role in Role if user is not None and role <= user.role],
        fingerprint=None if certificate is None else certificate.fingerprint,
    )


@router.post("/join")
async def invite(
    request: Request, response: Response, state: AppStateDep, body: InviteMessage
) -> InvitationMessage:
    """Show a one-time code with which a phone joins within five minutes."""
    user, role = _giver(request), ROLES[body.role]
    if user is None or user.name is None:
        raise ApiError(403, "only an administrator, or the box's own screen, lets phones join")
    if role > user.role:
        raise ApiError(403, f"your role is {user.role.word}; give the phone this role or a lesser one")
    addresses = _addresses(request, state)
    page = body.address if body.address in addresses else next(iter(addresses), None)
    if page is None or (body.address is not None and page != body.address):
        raise ApiError(
            409, "no phone reaches this console; start it with --listen 0.0.0.0 and a token, in a network"
        )
    codes: JoinCodes = request.app.state.join_codes
    url = join_address(page, codes.make(role, user.name))
    response.headers.update(_NOT_STORED)
    return InvitationMessage(url=url, picture=qr_picture(url), seconds=LIFETIME_SECONDS)


@router.post("/session/join")
async def join(request: Request, response: Response, body: CodeMessage) -> SessionMessage:
    """Sign in: use up a one-time code, and get a cookie."""
    sessions: Sessions = request.app.state.sessions
    codes: JoinCodes = request.app.state.join_codes
    client = client_of(request)
    invitation = codes.take(body.code)
    try:
        if invitation is None:
            raise LookupError
        agent, secure = request.headers.get("user-agent", ""), request.url.scheme == "https"
        user, cookie = sessions.join(invitation.role, invitation.issuer, client, agent, secure=secure)
    except LookupError:
        wait = wait_for_guess(request.app.state.rates, client)
        if wait > 0:
            headers = {"Retry-After": str(int(wait) + 1)}
            raise ApiError(429, "too many wrong codes; try again later", headers) from None
        raise ApiError(401, "this code is used or older than five minutes; let a new one be shown") from None
    response.headers["Set-Cookie"] = cookie
    return SessionMessage(needed=True, open=True, name=user.name, role=user.role.word)


def _giver(request: Request) -> User | None:
    """Return the user of a request if it may let phones join: an administrator, or the box's own screen."""
    user = requester().user
    if user is None or user.name is None:
        return None
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via"))
    own_screen = is_loopback(client_of(request)) and is_loopback(_host(request)) and not forwarded
    return user if own_screen or user.role is Role.ADMINISTER else None


def _addresses(request: Request, state: AppState) -> list[str]:
    """List the page's addresses for a phone, first the one that this client has opened."""
    host, options = _host(request), state.options
    port = urlsplit(f"//{request.headers.get('host', '')}").port
    found = page_addresses(options, options.port or port or DEFAULT_PORT)
    if is_loopback(host):
        return found
    opened = page_address(request.url.scheme, host, port, options.root_path)
    return list(dict.fromkeys([opened, *found]))


def _host(request: Request) -> str:
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host
