"""Whose a session is: the user of a token, or a phone that joined by a code which that user showed."""

import hmac
from dataclasses import dataclass

from edge_tosca.console.http.requester import User
from edge_tosca.console.http.session_file import Session
from edge_tosca.console.http.session_secrets import bound
from edge_tosca.console.options import ROLES

JOINED = "phone of "
"""Before the name of the user who showed the code."""


@dataclass(frozen=True)
class SignedIn:
    """A session and its user."""

    session: Session
    user: User


def joined_by(user: User) -> str:
    """Return what binds a session to the role and the name that a code gave.

    Args:
        user: the phone's.
    """
    return f"{user.role.word}:{user.name}"


def user_of_session(session: Session, value: str, user: User, token: bytes) -> User | None:
    """Return the user of a session if it was begun with a token, or with a code that its user showed.

    Args:
        session: as it is kept.
        value: of the cookie.
        user: of the token.
        token: its digest.

    Returns:
        The user; None if the session belongs to another token.
    """
    if hmac.compare_digest(bound(value, token), session.token):
        return user
    if session.role not in ROLES:
        return None
    joined = User(min(ROLES[session.role], user.role), session.name)
    right = hmac.compare_digest(bound(value, token, joined_by(joined)), session.token)
    return joined if right else None
