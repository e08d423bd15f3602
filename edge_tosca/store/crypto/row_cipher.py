"""Encrypt and decrypt the rows of a store, or pass them through where there is no key.

Contents are encrypted with AES-256-GCM under a random nonce each. Names are encrypted with AES-SIV: equal
names have equal ciphertexts, so that they can be looked up. Table, column and key of a row are its associated
data: moved to another row, a ciphertext cannot be decrypted. `docs/store.md` lists what an encrypted file
still discloses.
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
_BYTES_AT_ONCE = 1 << 20


class DecryptedBlob:
    """The decrypted bytes of a large row, read like `sqlite3.Blob`, but without a copy."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def __len__(self) -> int:
        return len(self._data)

    def read(self, length: int) -> memoryview:
        """Return the next bytes, fewer at the end of the row."""
        self._at += length
        return self._data[self._at - length : self._at]

    def seek(self, at: int) -> None:
        """Move to a position, in bytes from the start."""
        self._at = at


class PlainRows:
    """The cipher of a store without a key: rows are stored as they are."""

    encrypted = False

    def encrypt(self, column: str, key: object, data: bytes) -> bytes:
        """Encrypt the contents of a row.

        Args:
            column: "table.column".
            key: of the row.
            data: its contents.

        Returns:
            The bytes to store.
        """
        return data

    def decrypt(self, column: str, key: object, data: object) -> bytes:
        """Decrypt the contents of a row.

        Args:
            column: "table.column".
            key: of the row.
            data: the stored value.

        Returns:
            The contents.

        Raises:
            StoreError: it was not encrypted for this row with this key.
            ValueError: it is a number or NULL.
        """
        if isinstance(data, str):
            return data.encode(errors="surrogatepass")
        if not isinstance(data, bytes):
            raise ValueError("a row holds no bytes")
        return data

    def decrypt_blob(self, column: str, key: object, blob: sqlite3.Blob) -> sqlite3.Blob | DecryptedBlob:
        """Decrypt the contents of a large row, with at most one copy of them in memory."""
        return blob

    def encrypt_name(self, column: str, text: str, key: object = "") -> str:
        """Encrypt a name; equal names of one column and key have equal ciphertexts."""
        return text

    def decrypt_name(self, column: str, text: object, key: object = "") -> str:
        """Decrypt a name of `encrypt_name`."""
        return str(text)

    def mac(self, message: bytes) -> str | None:
        """Compute a message authentication code (hex) under the key; None without a key."""
        return None


PLAIN_ROWS = PlainRows()


class RowCipher(PlainRows):
    """The cipher of an encrypted store.

    Args:
        path: of the store, for errors.
        data_key: the store's own key, KEY_BYTES long.

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
        return nonce + self._contents.encrypt(nonce, data, _associated_data(column, key))

    def decrypt(self, column: str, key: object, data: object) -> bytes:
        """See `PlainRows.decrypt`."""
        from cryptography.exceptions import InvalidTag

        if not isinstance(data, bytes) or len(data) < _NONCE_BYTES + _TAG_BYTES:
            raise self._changed(column)
        try:
            return self._contents.decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], _associated_data(column, key)
            )
        except InvalidTag:
            raise self._changed(column) from None

    def decrypt_blob(self, column: str, key: object, blob: sqlite3.Blob) -> DecryptedBlob:
        """See `PlainRows.decrypt_blob`; no byte is returned before all of them are authenticated."""
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
        decryptor.authenticate_additional_data(_associated_data(column, key))
        # The library requires a buffer that is a little larger than its output.
        plain = bytearray(length + _TAG_BYTES)
        at = 0
        with memoryview(plain) as buffer:
            while at < length:
                at += decryptor.update_into(blob.read(min(_BYTES_AT_ONCE, length - at)), buffer[at:])
        try:
            decryptor.finalize()
        except InvalidTag:
            raise self._changed(column) from None
        return DecryptedBlob(memoryview(plain).toreadonly()[:length])

    def encrypt_name(self, column: str, text: str, key: object = "") -> str:
        """See `PlainRows.encrypt_name`."""
        encrypted = self._names.encrypt(text.encode(errors="surrogatepass"), [_associated_data(column, key)])
        return base64.urlsafe_b64encode(encrypted).decode()

    def decrypt_name(self, column: str, text: object, key: object = "") -> str:
        """See `PlainRows.decrypt_name`."""
        from cryptography.exceptions import InvalidTag

        try:
            encrypted = base64.b64decode(str(text), altchars=b"-_", validate=True)
            name = self._names.decrypt(encrypted, [_associated_data(column, key)])
            return name.decode(errors="surrogatepass")
        except (InvalidTag, ValueError):
            raise self._changed(column) from None

    def mac(self, message: bytes) -> str | None:
        """See `PlainRows.mac`; HMAC-SHA256."""
        return hmac.new(self._audit_key, message, hashlib.sha256).hexdigest()

    def _changed(self, column: str) -> StoreError:
        return StoreError(
            f"{self._path} is damaged: a row of {column.partition('.')[0]} was changed or moved without the "
            "key; restore a copy"
        )


def derive(key: bytes, purpose: bytes, length: int, salt: bytes | None = None) -> bytes:
    """Derive a key for one purpose (HKDF with SHA-256, RFC 5869).

    Args:
        key: random bytes, with at least the entropy that the result is to have.
        purpose: of the derived key; other purposes give independent keys.
        length: of the derived key in bytes.
        salt: random bytes, if there are any.

    Returns:
        The derived key.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length, salt, b"edge-tosca store 1 " + purpose).derive(key)


def require_cryptography() -> None:
    """Require the package `cryptography`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import_module("cryptography")
    except ImportError:
        raise MissingExtraError("cryptography", "encryption") from None


def _associated_data(column: str, key: object) -> bytes:
    return f"edge-tosca 1 {column} {key}".encode()
