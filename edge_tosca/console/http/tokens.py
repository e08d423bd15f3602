"""Check tokens: a header for programs, a cookie for browsers; and keep the list of the signed-in."""

import contextlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from edge_tosca.console.http.requester import User
from edge_tosca.console.http.session_file import Session, SessionFile
from edge_tosca.console.http.session_secrets import bound, digest, hashed
from edge_tosca.console.http.session_users import JOINED, SignedIn, joined_by, user_of_session
from edge_tosca.console.options import NamedToken, Role
from edge_tosca.errors import StoreError

LIFETIME_SECONDS = 30 * 24 * 3600
"""A tablet on the wall needs the token once a month. Sessions survive a restart, not a new token."""

ADMINISTRATOR = "administrator"
"""Name of the user of `--token-file FILE`."""

_SEEN_SECONDS = 3600
"""Between two notes of a session's use in the file: each write wears a memory card."""

_MOST_AGENT = 200


class Sessions:
    """Knows the tokens and the sessions that were begun with them."""

    def __init__(
        self,
        token: str | None,
        *,
        secure: bool,
        port: int,
        others: Sequence[NamedToken] = (),
        store: Path | None = None,
    ) -> None:
        """Take the tokens.

        Args:
            token: of the administrator; None for none.
            secure: the console is served over TLS.
            port: part of the cookie's name: browsers share cookies between the ports of a host.
            others: tokens of other users.
            store: file of the learner, beside which the sessions are kept; None keeps them in memory.
        """
        first = [] if token is None else [NamedToken(Role.ADMINISTER, ADMINISTRATOR, token)]
        self._tokens = [(User(one.role, one.name), digest(one.secret)) for one in (*first, *others)]
        self._file = SessionFile(store if self._tokens else None)
        self._secure, self._port = secure, port

    @property
    def needed(self) -> bool:
        """Whether a token is needed."""
        return bool(self._tokens)

    def user_of_token(self, candidate: str) -> User | None:
        """Return the user of a token, compared with every token in constant time; None if there is none."""
        sent = digest(candidate)
        found = None
        for user, right in self._tokens:
            if hmac.compare_digest(sent, right):
                found = user
        return found

    def user(self, authorization: str, cookies: str) -> User | None:
        """Return the user of a request.

        Args:
            authorization: the header, "" for none.
            cookies: the header, "" for none.

        Returns:
            The user; None if neither token nor session is valid. An administrator without a name if no token
            is needed.
        """
        if not self.needed:
            return User(Role.ADMINISTER)
        scheme, _, candidate = authorization.partition(" ")
        if scheme.lower() == "bearer" and (user := self.user_of_token(candidate.strip())) is not None:
            return user
        found = self._find(cookies)
        return None if found is None else found.user

    def admits(self, authorization: str, cookies: str) -> bool:
        """Return whether a request carries a token or a session, or none is needed."""
        return self.user(authorization, cookies) is not None

    def begin(
        self, token: str, user: User, client: str = "", agent: str = "", *, secure: bool | None = None
    ) -> str:
        """Begin a session.

        Args:
            token: a right one.
            user: its user.
            client: address of the phone.
            agent: its browser's description of itself.
            secure: the request came over TLS; None for what the console was made with.

        Returns:
            The Set-Cookie header.
        """
        value = secrets.token_urlsafe(32)
        self._add(value, bound(value, digest(token)), user, client, agent)
        return self._header(value, LIFETIME_SECONDS, secure)

    def join(
        self, role: Role, issuer: str, client: str = "", agent: str = "", *, secure: bool | None = None
    ) -> tuple[User, str]:
        """Begin a session without a token, for a phone that was shown a code.

        Args:
            role: of the phone, at most the issuer's.
            issuer: user who showed the code, or a phone that joined by one.
            client: address of the phone.
            agent: its browser's description of itself.
            secure: as for `begin`.

        Returns:
            The user, and the Set-Cookie header.

        Raises:
            LookupError: the issuer has no token any more.
        """
        sponsor = issuer.removeprefix(JOINED)
        found = [one for one in self._tokens if one[0].name == sponsor]
        if not found:
            raise LookupError(issuer)
        giver, token = found[0]
        user = User(min(role, giver.role), JOINED + sponsor)
        value = secrets.token_urlsafe(32)
        self._add(value, bound(value, token, joined_by(user)), user, client, agent)
        return user, self._header(value, LIFETIME_SECONDS, secure)

    def _add(self, value: str, token: str, user: User, client: str, agent: str) -> None:
        now = int(time.time())
        session = Session(
            id=secrets.token_urlsafe(9),
            secret=hashed(value),
            token=token,
            name=user.name or "",
            role=user.role.word,
            began=now,
            seen=now,
            expires=now + LIFETIME_SECONDS,
            client=client,
            agent="".join(letter for letter in agent if letter.isprintable())[:_MOST_AGENT],
        )

        def add(sessions: dict[str, Session]) -> None:
            for key in [key for key, one in sessions.items() if one.expires <= now]:
                del sessions[key]
            sessions[session.secret] = session

        # Where nothing can be written, the session lasts until the server ends.
        with contextlib.suppress(StoreError):
            self._file.change(add)

    def end(self, cookies: str, *, secure: bool | None = None) -> str:
        """End the session of a request.

        Args:
            cookies: the header.
            secure: as for `begin`.

        Returns:
            The Set-Cookie header that clears it.

        Raises:
            StoreError: the end cannot be kept.
        """
        found = self._find(cookies)
        if found is not None:
            self.revoke(found.session.id)
        return self._header("", 0, secure)

    def revoke(self, key: str) -> bool:
        """End a session by its id.

        Args:
            key: the id.

        Returns:
            Whether there was one.

        Raises:
            StoreError: the end cannot be kept; the session is over until the server starts again.
        """
        gone = [secret for secret, one in self._file.all().items() if one.id == key]

        def remove(sessions: dict[str, Session]) -> None:
            for secret in gone:
                sessions.pop(secret, None)

        if gone:
            self._file.change(remove)
        return bool(gone)

    def users(self) -> list[User]:
        """Return the users of the tokens."""
        return [user for user, _ in self._tokens]

    def current(self, cookies: str) -> str | None:
        """Return the id of a request's own session; None if it has none."""
        found = self._find(cookies)
        return None if found is None else found.session.id

    def listed(self) -> list[Session]:
        """Return the sessions that are not over, the last used first."""
        now = time.time()
        names = {f"{before}{user.name}" for user in self.users() for before in ("", JOINED)}
        valid = [one for one in self._file.all().values() if one.expires > now and one.name in names]
        return sorted(valid, key=lambda one: -one.seen)

    def has_cookie(self, cookies: str) -> bool:
        """Return whether a request has a session's cookie, valid or not."""
        return any(f"{self._name(secure=secure)}=" in cookies for secure in (True, False))

    def _find(self, cookies: str) -> SignedIn | None:
        try:
            jar = SimpleCookie(cookies)
        except CookieError:
            return None
        now = int(time.time())
        for name in (self._name(secure=True), self._name(secure=False)):
            value = jar[name].value if name in jar else ""
            session = self._file.all().get(hashed(value))
            if session is None or session.expires <= now:
                continue
            for user, token in self._tokens:
                if (found := user_of_session(session, value, user, token)) is not None:
                    self._note(session, now)
                    return SignedIn(session, found)
        return None

    def _note(self, session: Session, now: int) -> None:
        if now - session.seen < _SEEN_SECONDS:
            return

        def note(sessions: dict[str, Session]) -> None:
            if session.secret in sessions:
                sessions[session.secret] = replace(session, seen=now)

        with contextlib.suppress(StoreError):
            self._file.change(note)

    def _header(self, value: str, seconds: int, secure: bool | None) -> str:
        secure = self._secure if secure is None else secure
        name, tail = self._name(secure=secure), "; Secure" if secure else ""
        return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{tail}"

    def _name(self, *, secure: bool) -> str:
        return f"{'__Host-' if secure else ''}edge-tosca-{self._port}"
