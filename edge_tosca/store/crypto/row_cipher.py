"""What lies in a store's rows: the contents as they are, or encrypted under the store's key.

Contents are encrypted with AES-256-GCM under a random nonce each, names with AES-SIV, which gives equal names
equal ciphertexts, so that they can still be looked up. A row's table, column and key are its associated data:
put into another row it cannot be read. `docs/store.md` says what an encrypted file still tells.
"""

import base64
import hashlib
import hmac
import secrets
import sqlite3
from importlib import import_module
from pathlib import Path

from edge_tosca.errors import MissingExtraError, StoreError

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_AT_ONCE = 1 << 20


class DecryptedBlob:
    """The plain bytes of a large row, read in the way of `sqlite3.Blob` but never copied."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def __len__(self) -> int:
        return len(self._data)

    def read(self, length: int) -> memoryview:
        """Give so many bytes from where the last reading ended."""
        self._at += length
        return self._data[self._at - length : self._at]

    def seek(self, at: int) -> None:
        """Go to a place."""
        self._at = at


class PlainRows:
    """The rows of a store without a key: everything lies there as it is."""

    encrypted = False

    def encrypt(self, column: str, key: object, data: bytes) -> bytes:
        """Give what is to lie in the file.

        Args:
            column: "table.column".
            key: of the row.
            data: its contents.
        """
        return data

    def decrypt(self, column: str, key: object, data: object) -> bytes:
        """Give the contents of what lies in the file.

        Args:
            column: "table.column".
            key: of the row.
            data: what lies there.

        Raises:
            StoreError: it was not sealed for this row.
            ValueError: it is a number, or nothing.
        """
        if isinstance(data, str):
            return data.encode(errors="surrogatepass")
        if not isinstance(data, bytes):
            raise ValueError("a row holds no bytes")
        return data

    def decrypt_blob(self, column: str, key: object, blob: sqlite3.Blob) -> sqlite3.Blob | DecryptedBlob:
        """Give the contents of a row that is too large to be held twice."""
        return blob

    def encrypt_name(self, column: str, text: str, key: object = "") -> str:
        """Give what is to lie in the file for a name; equal for equal names of one column and key."""
        return text

    def decrypt_name(self, column: str, text: object, key: object = "") -> str:
        """Give the name that `encrypt_name` encrypted."""
        return str(text)

    def mac(self, message: bytes) -> str | None:
        """Give a code (hex) that only the key can make; None without a key."""
        return None


PLAIN_ROWS = PlainRows()


class RowCipher(PlainRows):
    """The rows of a store under a key.

    Args:
        path: of the store, for errors.
        data_key: the store's own, KEY_BYTES of them.

    Raises:
        MissingExtraError: the package `cryptography` is not installed.
    """

    encrypted = True

    def __init__(self, path: Path, data_key: bytes) -> None:
        require_cryptography()
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

        self._path = path
        self.data_key = data_key
        self._content_key = derive(data_key, b"contents", KEY_BYTES)
        self._contents = AESGCM(self._content_key)
        self._names = AESSIV(derive(data_key, b"names", 2 * KEY_BYTES))
        self._audit_key = derive(data_key, b"seals", KEY_BYTES)

    def encrypt(self, column: str, key: object, data: bytes) -> bytes:
        """See `PlainRows.encrypt`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._contents.encrypt(nonce, data, _place(column, key))

    def decrypt(self, column: str, key: object, data: object) -> bytes:
        """See `PlainRows.decrypt`."""
        from cryptography.exceptions import InvalidTag

        if not isinstance(data, bytes) or len(data) < _NONCE_BYTES + _TAG_BYTES:
            raise self._changed(column)
        try:
            return self._contents.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _place(column, key))
        except InvalidTag:
            raise self._changed(column) from None

    def decrypt_blob(self, column: str, key: object, blob: sqlite3.Blob) -> DecryptedBlob:
        """See `PlainRows.decrypt_blob`; nothing of it is used before all of it was found genuine."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import GCM

        length = len(blob) - _NONCE_BYTES - _TAG_BYTES
        if length < 0:
            raise self._changed(column)
        nonce = blob.read(_NONCE_BYTES)
        blob.seek(_NONCE_BYTES + length)
        tag = blob.read(_TAG_BYTES)
        blob.seek(_NONCE_BYTES)
        decryptor = Cipher(AES(self._content_key), GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(_place(column, key))
        # The library asks for a little more room than it fills.
        plain = bytearray(length + _TAG_BYTES)
        at = 0
        with memoryview(plain) as room:
            while at < length:
                at += decryptor.update_into(blob.read(min(_AT_ONCE, length - at)), room[at:])
        try:
            decryptor.finalize()
        except InvalidTag:
            raise self._changed(column) from None
        return DecryptedBlob(memoryview(plain).toreadonly()[:length])

    def encrypt_name(self, column: str, text: str, key: object = "") -> str:
        """See `PlainRows.encrypt_name`."""
        hidden = self._names.encrypt(text.encode(errors="surrogatepass"), [_place(column, key)])
        return base64.urlsafe_b64encode(hidden).decode()

    def decrypt_name(self, column: str, text: object, key: object = "") -> str:
        """See `PlainRows.decrypt_name`."""
        from cryptography.exceptions import InvalidTag

        try:
            hidden = base64.b64decode(str(text), altchars=b"-_", validate=True)
            return self._names.decrypt(hidden, [_place(column, key)]).decode(errors="surrogatepass")
        except (InvalidTag, ValueError):
            raise self._changed(column) from None

    def mac(self, message: bytes) -> str | None:
        """See `PlainRows.mac`; HMAC-SHA256."""
        return hmac.new(self._audit_key, message, hashlib.sha256).hexdigest()

    def _changed(self, column: str) -> StoreError:
        return StoreError(
            f"{self._path} is damaged: a row of {column.partition('.')[0]} was changed or moved by somebody "
            "without the key; restore a copy"
        )


def derive(key: bytes, purpose: bytes, length: int, salt: bytes | None = None) -> bytes:
    """Derive a key for one purpose (HKDF with SHA-256, RFC 5869).

    Args:
        key: at least as many random bits as the result is to have strength.
        purpose: what it is for; other purposes give unrelated keys.
        length: bytes.
        salt: random bytes, if there are any.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length, salt, b"edge-tosca store 1 " + purpose).derive(key)


def require_cryptography() -> None:
    """Tell how to install the package that encrypts.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import_module("cryptography")
    except ImportError:
        raise MissingExtraError("cryptography", "encryption") from None


def _place(column: str, key: object) -> bytes:
    return f"edge-tosca 1 {column} {key}".encode()
