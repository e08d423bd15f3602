"""Ed25519 keys to sign packs with (RFC 8032), in PEM files."""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.errors import MissingExtraError, PackError
from edge_tosca.system.files import is_exposed, write_atomically

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
            PackError: the file is missing, is not an Ed25519 key, has a passphrase, or other users can read
                it.
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
        if is_exposed(path, path.stat()):
            raise PackError(
                f"{path}: the private key can be read by other users; keep it to yourself with: "
                f"chmod 600 {path}"
            )
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
    """Generate a key pair and write it to two files; the public key's name has ".pub" appended.

    Args:
        path: of the private key; neither file may exist.

    Returns:
        The public key in hex.

    Raises:
        PackError: a file exists already, or cannot be written.
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
        PackError: the file is missing, or is not an Ed25519 key.
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


def is_valid_signature(public: str, signature: str, message: bytes) -> bool:
    """Verify a signature.

    Args:
        public: the signer's public key in hex.
        signature: in hex.
        message: the signed bytes.

    Returns:
        Whether the signature is the key's for this message, and both are spelt in lower-case hex.
    """
    _require_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw_key, raw_signature = bytes.fromhex(public), bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(raw_key).verify(raw_signature, message)
    except (InvalidSignature, ValueError):
        return False
    # One spelling only: keys are compared as text, and no character of a pack may change.
    return (raw_key.hex(), raw_signature.hex()) == (public, signature)


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that does not exist yet, whole or not at all.

    Args:
        path: of the file.
        data: its content.
        mode: its permissions from the first moment on, less the umask.

    Raises:
        PackError: it exists, or cannot be written.
    """
    try:
        write_atomically(path, lambda file: file.write(data), mode=mode, replace=False)
    except FileExistsError:
        raise PackError(f"{path} exists already and is never overwritten; choose another name") from None
    except OSError as error:
        raise PackError(
            f"{path} cannot be written ({error.strerror}); name a file in a folder with room"
        ) from None


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
