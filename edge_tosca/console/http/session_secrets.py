"""Hashes by which tokens, cookies and codes are kept and compared."""

import hashlib
import hmac


def digest(token: str) -> bytes:
    """Return the sha256 of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def hashed(value: str) -> str:
    """Return the sha256 of a cookie's value or of a code, in hex."""
    return digest(value).hex()


def bound(value: str, token: bytes, joined: str = "") -> str:
    """Bind a session to a token, so that it ends with the token.

    Args:
        value: of the cookie.
        token: digest of the token.
        joined: role and name of a phone that joined by a code: the file of sessions cannot change them.

    Returns:
        The HMAC under the cookie's value, in hex.
    """
    return hmac.new(value.encode(errors="surrogatepass"), token + joined.encode(), hashlib.sha256).hexdigest()
