"""One-time codes by which a phone joins without typing a token."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge_tosca.console.http.session_secrets import hashed
from edge_tosca.console.options import Role

LIFETIME_SECONDS = 300
MOST_CODES = 32
"""Shown and not used yet; the oldest makes room for the next."""


@dataclass(frozen=True)
class Invitation:
    """What a code admits to.

    Attributes:
        role: of the phone that uses it.
        issuer: user who showed it; the end of that user's token ends the phone's session.
        until: when it expires, by the clock of the codes.
    """

    role: Role
    issuer: str
    until: float


class JoinCodes:
    """The codes that were shown, by their hashes; in memory only, and safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: dict[str, Invitation] = {}
        self._lock = threading.Lock()

    def make(self, role: Role, issuer: str) -> str:
        """Make a code of 128 random bits.

        Args:
            role: of the phone that will use it.
            issuer: user who shows it.

        Returns:
            The code, in letters that need no escape in an address.
        """
        code = secrets.token_urlsafe(16)
        with self._lock:
            self._forget_expired()
            self._shown[hashed(code)] = Invitation(role, issuer, self._clock() + LIFETIME_SECONDS)
            while len(self._shown) > MOST_CODES:
                del self._shown[next(iter(self._shown))]
        return code

    def take(self, code: str) -> Invitation | None:
        """Use a code up.

        Args:
            code: as a phone sent it.

        Returns:
            What it admits to; None if it is wrong, expired or used.
        """
        with self._lock:
            self._forget_expired()
            return self._shown.pop(hashed(code), None)

    def _forget_expired(self) -> None:
        now = self._clock()
        for key in [key for key, one in self._shown.items() if one.until <= now]:
            del self._shown[key]
