"""Who sent the request that is being answered: its client, and the user that its token names."""

from contextvars import ContextVar
from dataclasses import dataclass

from edge_tosca.console.options import Role


@dataclass(frozen=True)
class User:
    """The holder of a token.

    Attributes:
        role: what the user may do.
        name: as the token was given; None where no token is needed.
    """

    role: Role
    name: str | None = None

    @property
    def provenance(self) -> dict[str, str]:
        """Entries of the audit log that name the user; none where no token is needed."""
        return {} if self.name is None else {"name": self.name, "role": self.role.word}


@dataclass(frozen=True)
class Requester:
    """The sender of a request.

    Attributes:
        client: its address, an IPv6 network of 64 bits; "" for the console itself.
        user: None for a request without a token, and for the console itself.
    """

    client: str = ""
    user: User | None = None

    @property
    def provenance(self) -> dict[str, str]:
        """Entries of the audit log that name the user."""
        return {} if self.user is None else self.user.provenance


_current: ContextVar[Requester] = ContextVar("requester")
_CONSOLE = Requester()


def requester() -> Requester:
    """Return the sender of the request that is being answered."""
    return _current.get(_CONSOLE)


def set_requester(sender: Requester) -> None:
    """Set the sender for the rest of this request.

    Args:
        sender: of the request.
    """
    _current.set(sender)
