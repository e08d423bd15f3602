"""Decrypt an encrypted store by its documented format alone, without any code of the program."""

import base64
import hashlib
import hmac
import json
import sqlite3

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt


class Rows:
    """The rows of an encrypted store.

    Args:
        connection: to the store.
        user_key: 32 bytes, or the characters of a passphrase.
    """

    def __init__(self, connection: sqlite3.Connection, user_key: bytes) -> None:
        ((setting,),) = connection.execute("SELECT value FROM settings WHERE key = 'encryption'").fetchall()
        self.kind, salt, wrapped = setting.split(" ")
        salt, wrapped = base64.b64decode(salt), base64.b64decode(wrapped)
        if self.kind == "scrypt":
            wrapping = Scrypt(salt, 32, 2**15, 8, 1).derive(user_key)
        else:
            wrapping = derive(user_key, b"wrapping", 32, salt)
        place = b"edge-tosca store 1 wrapped key"
        data_key = AESGCM(wrapping).decrypt(wrapped[:12], wrapped[12:], place)
        self._contents = AESGCM(derive(data_key, b"contents", 32))
        self._names = AESSIV(derive(data_key, b"names", 64))
        self._seals = derive(data_key, b"seals", 32)

    def content(self, column: str, key: object, data: bytes) -> bytes:
        """Decrypt the contents of a row."""
        return self._contents.decrypt(data[:12], data[12:], f"edge-tosca 1 {column} {key}".encode())

    def name(self, column: str, text: str, key: object = "") -> str:
        """Decrypt a name."""
        hidden = base64.urlsafe_b64decode(text)
        return self._names.decrypt(hidden, [f"edge-tosca 1 {column} {key}".encode()]).decode()

    def code(self, entry: dict[str, object]) -> str:
        """Authenticate an audit entry without its code."""
        return hmac.new(self._seals, spelt(entry).encode(), hashlib.sha256).hexdigest()


def derive(key: bytes, purpose: bytes, length: int, salt: bytes | None = None) -> bytes:
    """Derive a key by HKDF-SHA256 (RFC 5869)."""
    return HKDF(SHA256(), length, salt, b"edge-tosca store 1 " + purpose).derive(key)


def spelt(value: object) -> str:
    """Spell JSON as it is hashed and authenticated."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=bytes.hex)
