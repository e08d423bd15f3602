"""The key that a user keeps for a store: where it comes from, and how it guards the store's own key."""

import base64
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.crypto.row_cipher import (
    KEY_BYTES,
    PLAIN_ROWS,
    PlainRows,
    RowCipher,
    derive,
    require_cryptography,
)

KEY_FILE = "EDGE_TOSCA_KEY_FILE"
KEY = "EDGE_TOSCA_KEY"
CREDENTIAL = "edge-tosca-key"

WAYS = "--key-file FILE, the environment variable EDGE_TOSCA_KEY or a systemd credential named edge-tosca-key"

_MOST_BYTES = 4096
_LEAST_CHARACTERS = 12
_SALT_BYTES = 16
_NONCE_BYTES = 12
_WRAPPING = b"edge-tosca store 1 wrapped key"

# 32 MB and a tenth of a second on a desktop: what a guess costs whoever has the file.
_SCRYPT_STEPS, _SCRYPT_BLOCK = 1 << 15, 8


@dataclass(frozen=True)
class UserKey:
    """What the user keeps.

    Attributes:
        material: KEY_BYTES random bytes, or a passphrase.
        passphrase: it is one, and can be guessed.
    """

    material: bytes = field(repr=False)
    passphrase: bool

    @classmethod
    def of(cls, content: bytes, where: str) -> "UserKey":
        """Understand what was found somewhere: 64 hexadecimal digits, 32 bytes, or a passphrase.

        Args:
            content: as it was found.
            where: that was, for the error.

        Raises:
            StoreError: it is too short to keep anything secret.
        """
        if len(content) == KEY_BYTES and not content.isascii():
            return cls(content, passphrase=False)
        text = content.strip(b"\r\n")
        if re.fullmatch(rb"[0-9a-fA-F]{64}", text):
            return cls(bytes.fromhex(text.decode()), passphrase=False)
        if len(text) < _LEAST_CHARACTERS:
            raise StoreError(
                f"{where} is too short for a key; put 64 hexadecimal digits there, for example from: "
                "openssl rand -hex 32"
            )
        return cls(text, passphrase=True)

    @classmethod
    def load(cls, path: Path) -> "UserKey":
        """Read a key file.

        Args:
            path: of the file.

        Raises:
            StoreError: it cannot be read, or holds no key.
        """
        try:
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise StoreError(
                f"{path}: the key file cannot be read ({error.strerror}); name another with --key-file"
            ) from None
        if len(content) > _MOST_BYTES:
            raise StoreError(f"{path} is too large for a key file; name another with --key-file")
        return cls.of(content, str(path))


def find_key(key_file: Path | None = None) -> UserKey | None:
    """Look for the key where it may be, in this order.

    Args:
        key_file: a file that was named.

    Returns:
        The key in that file, in the file that EDGE_TOSCA_KEY_FILE names, in EDGE_TOSCA_KEY, or in the systemd
        credential edge-tosca-key; None where there is none of them.

    Raises:
        StoreError: the one that is there cannot be read, or is no key.
    """
    named = key_file or os.environ.get(KEY_FILE)
    if named:
        return UserKey.load(Path(named))
    if KEY in os.environ:
        return UserKey.of(os.fsencode(os.environ[KEY]), KEY)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (credential := Path(folder) / CREDENTIAL).exists():
        return UserKey.load(credential)
    return None


def wrap(user_key: UserKey, data_key: bytes) -> str:
    """Encrypt a store's own key with the user's.

    Args:
        user_key: the user's.
        data_key: the store's.

    Returns:
        The store's setting SETTING.
    """
    require_cryptography()
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    kind = "scrypt" if user_key.passphrase else "hkdf"
    wrapped = AESGCM(_wrapping_key(user_key, salt)).encrypt(nonce, data_key, _WRAPPING)
    return " ".join([kind, *(base64.b64encode(part).decode() for part in (salt, nonce + wrapped))])


def unwrap(user_key: UserKey, setting: str, path: Path) -> bytes:
    """Decrypt a store's own key.

    Args:
        user_key: the user's.
        setting: what `wrap` gave.
        path: of the store, for the error.

    Returns:
        The store's key.

    Raises:
        StoreError: it was wrapped with another key.
    """
    require_cryptography()
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        _, salt, sealed = setting.split(" ")
        salt_bytes, wrapped = base64.b64decode(salt), base64.b64decode(sealed)
        key = AESGCM(_wrapping_key(user_key, salt_bytes))
        return key.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _WRAPPING)
    except (InvalidTag, ValueError):
        raise StoreError(
            f"{path}: this key does not open it; give the one that it was encrypted with, by {WAYS}"
        ) from None


def cipher_of(path: Path, setting: str | None, user_key: UserKey | None) -> PlainRows:
    """Make the cipher of a store that exists.

    Args:
        path: of the store, for errors.
        setting: SETTING of the store.
        user_key: the user's.

    Raises:
        StoreError: the store is encrypted and there is no key or another one, or it is not and there is one.
    """
    if setting is None:
        if user_key is not None:
            raise StoreError(
                f"{path} is not encrypted, but a key is given for it; leave the key out, or encrypt it with: "
                f"edge-tosca store encrypt {path}"
            )
        return PLAIN_ROWS
    if user_key is None:
        raise StoreError(f"{path} is encrypted; give its key by {WAYS}")
    return RowCipher(path, unwrap(user_key, setting, path))


def new_cipher(path: Path, user_key: UserKey) -> tuple[str, RowCipher]:
    """Draw a key for a store.

    Args:
        path: of the store, for errors.
        user_key: that is to guard it.

    Returns:
        The store's setting SETTING, and its cipher.
    """
    data_key = secrets.token_bytes(KEY_BYTES)
    return wrap(user_key, data_key), RowCipher(path, data_key)


def _wrapping_key(user_key: UserKey, salt: bytes) -> bytes:
    if not user_key.passphrase:
        return derive(user_key.material, b"wrapping", KEY_BYTES, salt)
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt, KEY_BYTES, _SCRYPT_STEPS, _SCRYPT_BLOCK, 1).derive(user_key.material)
