"""The user's key of an encrypted store: its sources, and how it wraps the store's own data key."""

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
from edge_tosca.system.files import is_exposed

KEY_FILE = "EDGE_TOSCA_KEY_FILE"
KEY = "EDGE_TOSCA_KEY"
CREDENTIAL = "edge-tosca-key"

KEY_SOURCES = (
    "--key-file FILE, the environment variable EDGE_TOSCA_KEY or a systemd credential named edge-tosca-key"
)

_MAX_FILE_BYTES = 4096
_MIN_CHARACTERS = 12
_SALT_BYTES = 16
_NONCE_BYTES = 12
_WRAPPING = b"edge-tosca store 1 wrapped key"

# 32 MB and a tenth of a second on a desktop: the cost of one guess at a passphrase.
_SCRYPT_STEPS, _SCRYPT_BLOCK = 1 << 15, 8


@dataclass(frozen=True)
class UserKey:
    """A key or passphrase that the user keeps.

    Attributes:
        material: KEY_BYTES random bytes, or a passphrase.
        passphrase: the material is a passphrase, which could be guessed.
    """

    material: bytes = field(repr=False)
    passphrase: bool

    @classmethod
    def of(cls, content: bytes, where: str) -> "UserKey":
        """Parse a key: 64 hexadecimal digits, 32 bytes, or a passphrase.

        Args:
            content: of the source.
            where: name of the source, for the error.

        Returns:
            The key.

        Raises:
            StoreError: it is too short for a secret.
        """
        if len(content) == KEY_BYTES and not content.isascii():
            return cls(content, passphrase=False)
        text = content.strip(b"\r\n")
        if re.fullmatch(rb"[0-9a-fA-F]{64}", text):
            return cls(bytes.fromhex(text.decode()), passphrase=False)
        if len(text) < _MIN_CHARACTERS:
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

        Returns:
            The key.

        Raises:
            StoreError: it cannot be read, other users can read it too, or it holds no key.
        """
        try:
            with path.open("rb") as file:
                if is_exposed(path, os.fstat(file.fileno())):
                    raise StoreError(
                        f"{path}: the key file can be read by other users; keep it to yourself with: "
                        f"chmod 600 {path}"
                    )
                content = file.read(_MAX_FILE_BYTES + 1)
        except OSError as error:
            raise StoreError(
                f"{path}: the key file cannot be read ({error.strerror}); name another with --key-file"
            ) from None
        if len(content) > _MAX_FILE_BYTES:
            raise StoreError(f"{path} is too large for a key file; name another with --key-file")
        return cls.of(content, str(path))


def find_key(key_file: Path | None = None) -> UserKey | None:
    """Find the user's key.

    Args:
        key_file: the file that the caller names.

    Returns:
        The key in that file, in the file that EDGE_TOSCA_KEY_FILE names, in EDGE_TOSCA_KEY, or in the systemd
        credential edge-tosca-key, in this order; None if there is no such source.

    Raises:
        StoreError: the first source cannot be read, or is no key.
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
    """Encrypt the data key of a store with the user's key.

    Args:
        user_key: the user's.
        data_key: the store's.

    Returns:
        Value of the store's setting ENCRYPTION_SETTING.
    """
    require_cryptography()
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    kind = "scrypt" if user_key.passphrase else "hkdf"
    wrapped = AESGCM(_wrapping_key(user_key, salt)).encrypt(nonce, data_key, _WRAPPING)
    return " ".join([kind, *(base64.b64encode(part).decode() for part in (salt, nonce + wrapped))])


def unwrap(user_key: UserKey, setting: str, path: Path) -> bytes:
    """Decrypt the data key of a store.

    Args:
        user_key: the user's.
        setting: of `wrap`.
        path: of the store, for the error.

    Returns:
        The data key.

    Raises:
        StoreError: it was wrapped with another key.
    """
    require_cryptography()
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        salt, wrapped = (base64.b64decode(part) for part in setting.split(" ")[1:])
        key = AESGCM(_wrapping_key(user_key, salt))
        return key.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _WRAPPING)
    except (InvalidTag, ValueError):
        raise StoreError(
            f"{path}: this key does not open it; give the one that it was encrypted with, by {KEY_SOURCES}"
        ) from None


def cipher_of(path: Path, setting: str | None, user_key: UserKey | None) -> PlainRows:
    """Make the cipher of an existing store.

    Args:
        path: of the store, for errors.
        setting: value of ENCRYPTION_SETTING; None where the store does not have it.
        user_key: the user's, if there is one.

    Returns:
        The cipher.

    Raises:
        StoreError: the store is encrypted and the key is missing or wrong, or it is plain and there is a key.
    """
    if setting is None:
        if user_key is not None:
            raise StoreError(
                f"{path} is not encrypted, but a key is given for it; leave the key out, or encrypt it with: "
                f"edge-tosca store encrypt {path}"
            )
        return PLAIN_ROWS
    if user_key is None:
        raise StoreError(f"{path} is encrypted; give its key by {KEY_SOURCES}")
    return RowCipher(path, unwrap(user_key, setting, path))


def new_cipher(path: Path, user_key: UserKey) -> tuple[str, RowCipher]:
    """Generate a data key for a store.

    Args:
        path: of the store, for errors.
        user_key: to wrap the data key with.

    Returns:
        Value of the store's setting ENCRYPTION_SETTING, and its cipher.
    """
    data_key = secrets.token_bytes(KEY_BYTES)
    return wrap(user_key, data_key), RowCipher(path, data_key)


def _wrapping_key(user_key: UserKey, salt: bytes) -> bytes:
    if not user_key.passphrase:
        return derive(user_key.material, b"wrapping", KEY_BYTES, salt)
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt, KEY_BYTES, _SCRYPT_STEPS, _SCRYPT_BLOCK, 1).derive(user_key.material)
