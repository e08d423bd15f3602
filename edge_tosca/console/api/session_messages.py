"""Messages of the routes for sessions."""

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
