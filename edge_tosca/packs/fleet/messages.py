"""Signed messages of a fleet: canonical JSON, and an Ed25519 signature of it.

The signature is over the line `edge-tosca fleet message` and the body. A body names its kind, the fleet, the
signer's key and a number that the signer never uses twice, so that no message passes for another one.
"""

import json
from dataclasses import dataclass
from typing import Any

from edge_tosca.digests import canonical_json
from edge_tosca.errors import FleetError
from edge_tosca.packs.keys import SigningKey, is_valid_signature

FORMAT = 1
_PREFIX = b"edge-tosca fleet message\n"

KINDS = ("roster", "hello", "have", "offer", "tombstone", "command")
"""Kinds of messages."""


@dataclass(frozen=True)
class Message:
    """A message whose signature is the key's; whether the key may say it is up to the reader.

    Attributes:
        kind: of KINDS.
        key: public key of the signer in hex.
        number: grows with every message of the signer.
        body: all that was signed.
        data: the bytes as they are published.
    """

    kind: str
    key: str
    number: int
    body: dict[str, Any]
    data: bytes


def signed(kind: str, fleet: str, number: int, content: dict[str, Any], key: SigningKey) -> Message:
    """Sign a message.

    Args:
        kind: of KINDS.
        fleet: name of the fleet.
        number: larger than that of any earlier message of this key.
        content: further entries of the body, of values that JSON can hold.
        key: of the signer.

    Returns:
        The message, the same for the same arguments.
    """
    body = {
        **content,
        "kind": kind,
        "format": FORMAT,
        "fleet": fleet,
        "key": key.public,
        "number": number,
    }
    text = canonical_json(body)
    wrapped = canonical_json({"body": text, "signature": key.sign(_PREFIX + text.encode())})
    return Message(kind, key.public, number, body, wrapped.encode())


def verified(data: bytes, fleet: str) -> Message:
    """Read an untrusted message.

    Args:
        data: as it was published.
        fleet: name of the fleet.

    Returns:
        The message.

    Raises:
        FleetError: it is no message, of another fleet, of a newer format, or its signature is wrong.
    """
    try:
        wrapped = json.loads(data)
        text, signature = wrapped["body"], wrapped["signature"]
        body = json.loads(text)
        kind, key, number = body["kind"], body["key"], body["number"]
        known = body["format"], body["fleet"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise FleetError("it is no message of a fleet") from None
    if isinstance(known[0], int) and known[0] > FORMAT:
        raise FleetError(f"it has format {known[0]}, this program reads {FORMAT}; update edge-tosca")
    if known != (FORMAT, fleet) or kind not in KINDS or not isinstance(key, str) or not _is_number(number):
        raise FleetError("it is a message of another fleet, or none at all")
    # One spelling only, so that equal messages are equal bytes.
    if not isinstance(text, str) or canonical_json(wrapped).encode() != data or canonical_json(body) != text:
        raise FleetError("it is not spelt as it was signed")
    if not isinstance(signature, str) or not is_valid_signature(key, signature, _PREFIX + text.encode()):
        raise FleetError("its signature is wrong")
    return Message(kind, key, number, body, data)


def _is_number(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number < 1 << 62
