"""Addresses with a user and a password: read as people write them, and printed without what may be secret.

Source: RFC 3986, sections 2.1 and 3.2, whose rules people break where a password holds "@", "/", "?" or "#".
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import quote, unquote

from edge_tosca.errors import printable

PERCENT_CODES = "% as %25, @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, a blank as %20"
"""How to write the characters that have a meaning of their own, for messages."""

CAMERA_VARIABLE = "EDGE_TOSCA_CAMERA"
BROKER_VARIABLE = "EDGE_TOSCA_MQTT"
WEBHOOK_VARIABLE = "EDGE_TOSCA_WEBHOOK"
ADDRESS_VARIABLES = frozenset({CAMERA_VARIABLE, BROKER_VARIABLE, WEBHOOK_VARIABLE})
"""Environment variables that hold addresses."""

HIDDEN = "..."
"""Stands for a part that is not printed."""

_SCHEMES = frozenset(
    {"rtsp", "rtsps", "rtspu", "rtmp", "rtmps", "rtp", "srt", "udp", "tcp", "onvif"}
    | {"http", "https", "ws", "wss", "mqtt", "mqtts", "ssl", "tls", "ftp"}
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(/*)", re.ASCII)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[\w.-]+)(?::(\d{0,5}))?")
_AFTER_HOST = re.compile(r"[/?#]")
_SECRET_KEY = re.compile(r"(?:pass|pwd|psw|usr|user|token|auth|key|secret|login|cred|sign)[^/=:]*[=:]", re.I)
_NAMED = re.compile(r"[A-Za-z0-9_-]+=(.*)", re.ASCII | re.DOTALL)
_NO_HEX = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Address:
    """An address on the network.

    Attributes:
        scheme: in small letters, as in "rtsp".
        host: name or IP address, without brackets.
        port: None for the scheme's usual one.
        rest: path, query and fragment as they were written.
        user: decoded; None for none.
        password: decoded; None for none.
        unusual: user or password hold a character that should have been percent-encoded.
    """

    scheme: str
    host: str
    port: int | None
    rest: str = field(repr=False)
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    unusual: bool

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address.

        The last "@" before the first "/", "?" or "#" ends user and password. Where that gives no host, or
        none but a plain word while an IP address or a full host name follows a later "@", the last "@" ends
        them.

        Args:
            text: scheme://user:password@host:port/path?query.

        Returns:
            The address.

        Raises:
            ValueError: it is none; the message, which does not quote it, follows the words "the address".
        """
        found = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*)://([^\0-\x1f\x7f]*)", text.strip(), re.ASCII)
        if found is None:
            raise ValueError("cannot be read")
        body = found[2]
        if not body or body[0] in "/?#":
            raise ValueError("names no host")
        login, host, port, rest = _read(body)
        user, colon, password = (login or "").partition(":")
        return cls(
            scheme=found[1].lower(),
            host=host,
            port=port,
            rest=rest,
            user=None if login is None else _decoded(user),
            password=_decoded(password) if colon else None,
            unusual=login is not None and _is_unusual(user, password),
        )

    def url(self) -> str:
        """Return the address for a library, percent-encoded where it has to be, with the password."""
        password = "" if self.password is None else f":{_encoded(self.password)}"
        login = "" if self.user is None else f"{_encoded(self.user)}{password}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        rest = re.sub(r"[^\x21-\x7e]", lambda one: _encoded(one[0]), self.rest)
        return f"{self.scheme}://{login}{host}{port}{rest}"


def redacted(address: str) -> str:
    """Return what may be printed of an address: scheme, host and port.

    Nothing is printed of what stands before the last "@", and nothing of path and query, in which cameras
    take passwords and tokens. What could be a part of a password, because a "@" follows a "/", "?" or "#", is
    not printed either.

    Args:
        address: as somebody wrote it, whether it can be read or not; a path or a device's name is printed as
            it is.

    Returns:
        One line, as in "rtsp://camera:554/...".
    """
    text = address.strip()
    found = _SCHEME.match(text)
    if found and (found[2].startswith("//") or found[1].lower() in _SCHEMES):
        scheme, body = f"{found[1].lower()}://", text[found.end() :]
    elif re.search("(:|//).*@", text, re.DOTALL):
        scheme, body = "", text.lstrip("/")
    elif key := _SECRET_KEY.search(text):
        return printable(text[: text.rfind("/", 0, key.start()) + 1]) + HIDDEN
    else:
        return printable(text)
    authority, rest = _split(body)
    host = authority.rpartition("@")[2]
    if "@" in rest or not _is_host(host) or (found and len(found[2]) > 2):
        return f"{scheme}{HIDDEN}"
    return f"{scheme}{host.lower()}" + (f"/{HIDDEN}" if rest.strip("/") else "")


def without_addresses(text: str, words: Iterable[str]) -> str:
    """Redact the addresses among the words of a command line in a message that may quote them.

    Args:
        text: the message.
        words: of the command line; an address in the wrong place is quoted as a path or an unknown word.
    """
    for word in words:
        for part in _parts(word):
            shown = redacted(part)
            if part and shown != printable(part):
                for spelling in (part, str(PurePath(part)), repr(part)[1:-1]):
                    text = text.replace(spelling, shown)
    return text


def _parts(word: str) -> Iterable[str]:
    """Return a word, and what follows the names before it, as in --camera=gate=rtsp://host."""
    yield word
    while (found := _NAMED.fullmatch(word)) is not None:
        word = found[1]
        yield word


def _read(body: str) -> tuple[str | None, str, int | None, str]:
    authority, rest = _split(body)
    login, at, place = authority.rpartition("@")
    if "@" in rest:
        later_login, _, later = body.rpartition("@")
        later_place, later_rest = _split(later)
        if ":" in later_login and _is_host(later_place):
            host, later_host = _name(place), _name(later_place)
            certain = _is_ip(later_host) or (not at and _is_full_name(later_host))
            written_so = ":" in authority and not _is_full_name(host) and certain
            if written_so or authority.endswith(":") or not _is_host(place):
                return later_login, later_host, _port(later_place), later_rest
    if not _is_host(place):
        raise ValueError("cannot be read")
    return login if at else None, _name(place), _port(place), rest


def _split(body: str) -> tuple[str, str]:
    found = _AFTER_HOST.search(body)
    place = len(body) if found is None else found.start()
    return body[:place], body[place:]


def _is_host(place: str) -> bool:
    found = _HOST.fullmatch(place)
    if found is None or int(found[2] or 0) > 65535:
        return False
    name = found[1].strip("[]")
    if ":" in name:
        return _is_ip(name)
    try:
        # As name resolution does, which raises for an empty or an overlong part.
        return bool(name.encode("idna"))
    except UnicodeError:
        return False


def _name(place: str) -> str:
    found = _HOST.fullmatch(place)
    return "" if found is None else found[1].strip("[]").lower()


def _port(place: str) -> int | None:
    found = _HOST.fullmatch(place)
    return int(found[2]) if found is not None and found[2] else None


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_full_name(name: str) -> bool:
    """Return whether a word is a host rather than a user: an IP address, or a name with a domain."""
    return name == "localhost" or _is_ip(name) or re.search(r"\w\.[^\W\d_]{2,}\.?$", name) is not None


def _is_unusual(user: str, password: str) -> bool:
    return bool(re.search(r"[@/?#\[\]\s]|[^\x21-\x7e]", user + password) or _NO_HEX.search(user + password))


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def _encoded(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")
