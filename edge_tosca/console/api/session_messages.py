"""Messages of the routes for sessions."""

from typing import Literal

from pydantic import Field

from edge_tosca.console.api.messages import Message, RequestMessage


class TokenMessage(RequestMessage):
    """The token that the console was started with."""

    token: str = Field(min_length=1, max_length=1000)


class SessionMessage(Message):
    """Whether a token is needed, and as whom this client is signed in."""

    needed: bool
    open: bool
    name: str | None
    role: str | None


class JoinMessage(Message):
    """How a phone can join: the page's addresses for it, and the roles that this user may give.

    `fingerprint` is the SHA-256 of the console's own certificate, which the phone can show.
    """

    addresses: list[str]
    roles: list[str]
    fingerprint: str | None


class InviteMessage(RequestMessage):
    """The role of the phone that joins, and the address of the page that it opens; None for the likeliest."""

    role: Literal["view", "teach", "administer"]
    address: str | None = Field(default=None, max_length=1000)


class InvitationMessage(Message):
    """An address with a one-time code, the same as a picture (an SVG as data URI), and its lifetime."""

    url: str
    picture: str
    seconds: int


class CodeMessage(RequestMessage):
    """The one-time code of an address that was shown."""

    code: str = Field(min_length=1, max_length=100)


class PhoneMessage(Message):
    """A signed-in phone or browser. `own` is the one that asks."""

    id: str
    name: str
    role: str
    began: str
    seen: str
    client: str
    agent: str
    own: bool


class PhonesMessage(Message):
    """All signed-in phones, the last used first, and the roles of all users by name."""

    sessions: list[PhoneMessage]
    users: dict[str, str]


class RevokedMessage(Message):
    """Number of sessions that were ended."""

    revoked: int
