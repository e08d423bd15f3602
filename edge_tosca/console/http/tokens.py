"""Check the token: a header for programs, a signed cookie for browsers."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie

LIFETIME_SECONDS = 30 * 24 * 3600
"""A tablet on the wall needs the token once a month. Sessions survive a restart, not a new token."""

_MOST_ENDED = 1024


class Sessions:
    """Signs cookies with a key derived from the token; only ended sessions are kept."""

    def __init__(self, token: str | None, *, secure: bool, port: int) -> None:
        """Derive the key.

        Args:
            token: None if none is needed.
            secure: the console is served over TLS.
            port: part of the cookie's name: browsers share cookies between the ports of a host.
        """
        self._token = None if token is None else hashlib.sha256(token.encode()).digest()
        self._key = hashlib.sha256(b"edge-tosca session " + (self._token or b"")).digest()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._secure = secure
        self._name = f"{'__Host-' if secure else ''}edge-tosca-{port}"

    @property
    def needed(self) -> bool:
        """Whether a token is needed."""
        return self._token is not None

    def is_token(self, candidate: str) -> bool:
        """Compare with the token in constant time."""
        digest = hashlib.sha256(candidate.encode(errors="surrogatepass")).digest()
        return self._token is not None and hmac.compare_digest(digest, self._token)

    def admits(self, authorization: str, cookies: str) -> bool:
        """Return whether a request carries the token or a session.

        Args:
            authorization: the header, "" for none.
            cookies: the header, "" for none.

        Returns:
            True, too, if no token is needed.
        """
        if not self.needed:
            return True
        scheme, _, candidate = authorization.partition(" ")
        if scheme.lower() == "bearer" and self.is_token(candidate.strip()):
            return True
        value = self._cookie(cookies)
        return value is not None and self._is_valid(value)

    def begin(self) -> str:
        """Begin a session; return its Set-Cookie header."""
        body = f"{int(time.time()) + LIFETIME_SECONDS}.{secrets.token_urlsafe(16)}"
        return self._header(f"{body}.{self._signature(body)}", LIFETIME_SECONDS)

    def end(self, cookies: str) -> str:
        """End the session of a request; return the Set-Cookie header that clears it."""
        value = self._cookie(cookies)
        if value is not None and self._is_valid(value):
            self._ended[value] = None
            while len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)
        return self._header("", 0)

    def _header(self, value: str, seconds: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self._name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"

    def _cookie(self, cookies: str) -> str | None:
        try:
            found = SimpleCookie(cookies).get(self._name)
        except CookieError:
            return None
        return None if found is None else found.value

    def _is_valid(self, value: str) -> bool:
        body, _, signature = value.rpartition(".")
        expires = body.partition(".")[0]
        right = hmac.compare_digest(signature.encode(), self._signature(body).encode())
        return right and value not in self._ended and expires.isascii() and int(expires) > time.time()

    def _signature(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
