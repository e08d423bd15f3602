"""Ed25519 keys that packs are signed with (RFC 8032), kept in PEM files."""

import contextlib
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.errors import MissingExtraError, PackError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MOST_BYTES = 4096


class SigningKey:
    """A private key in memory.

    Attributes:
        public: the public key that belongs to it, 32 bytes in hex.
    """

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key
        self.public: str = key.public_key().public_bytes_raw().hex()

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read a private key.

        Args:
            path: of the file that `make_key` wrote.

        Returns:
            The key.

        Raises:
            PackError: the file is missing, is not such a key, or is locked by a passphrase.
        """
        _require_cryptography()
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        data = _read(path)
        try:
            key = load_pem_private_key(data, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise PackError(f"{path} is not a private key; name one that `edge-tosca pack keygen` made")
        return cls(key)

    def sign(self, message: bytes) -> str:
        """Sign a message.

        Args:
            message: any bytes.

        Returns:
            The signature, 64 bytes in hex.
        """
        return self._key.sign(message).hex()


def make_key(path: Path) -> str:
    """Make a pair of keys: the private one at a path, the public one beside it with ".pub" added.

    Args:
        path: where neither of the two files may be yet.

    Returns:
        The public key in hex.

    Raises:
        PackError: a file is there already, or cannot be written.
    """
    _require_cryptography()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    beside = Path(f"{path}.pub")
    if os.path.lexists(beside):
        raise PackError(f"{beside} exists already; keys are never overwritten, choose another name")
    write_new(path, private, 0o600)
    try:
        write_new(beside, public, 0o644)
    except PackError:
        path.unlink()
        raise
    return SigningKey(key).public


def load_public_key(path: Path) -> str:
    """Read a public key.

    Args:
        path: of the ".pub" file that `make_key` wrote.

    Returns:
        The key, 32 bytes in hex.

    Raises:
        PackError: the file is missing, or is not such a key.
    """
    _require_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise PackError(f"{path} is a private key; name the public one beside it, {path}.pub")
    try:
        key = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise PackError(f"{path} is not a public key; name the .pub file that `edge-tosca pack keygen` made")
    return key.public_bytes_raw().hex()


def signature_fits(public: str, signature: str, message: bytes) -> bool:
    """Check a signature.

    Args:
        public: the signer's key in hex.
        signature: in hex.
        message: what was signed.

    Returns:
        Whether the owner of the key signed the message.
    """
    _require_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw_key, raw_signature = bytes.fromhex(public), bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(raw_key).verify(raw_signature, message)
    except (InvalidSignature, ValueError):
        return False
    # One spelling only: keys are compared as text, and no letter of a pack may change.
    return (raw_key.hex(), raw_signature.hex()) == (public, signature)


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that must not exist yet, and see it onto the disk.

    Args:
        path: of the file.
        data: its content.
        mode: its permissions from the first moment on.

    Raises:
        PackError: it exists, or cannot be written; nothing is left behind then.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise PackError(f"{path} exists already and is never overwritten; choose another name") from None
    except OSError as error:
        raise PackError(f"{path} cannot be written ({error.strerror}); name another folder") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise PackError(f"{path} cannot be written ({error.strerror}); make room and try again") from None


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PackError(f"{path}: there is no key here; make one with: edge-tosca pack keygen {path}")
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise PackError(f"{path} cannot be read ({error.strerror}); name another key, or allow it") from None


def _require_cryptography() -> None:
    try:
        import_module("cryptography")
    except ModuleNotFoundError:
        raise MissingExtraError("cryptography", "packs") from None
