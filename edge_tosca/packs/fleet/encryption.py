"""Encryption of a fleet's blobs under its key, and of that key for each member.

Blobs: AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; the name of the blob and the number of
the key are associated data. The fleet key is sent to a member as in ECIES: an ephemeral X25519 key (RFC
7748), HKDF-SHA256 (RFC 5869), and AES-256-GCM.
"""

import secrets
from importlib import import_module
from typing import TYPE_CHECKING

from edge_tosca.errors import FleetError, MissingExtraError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MAGIC = b"etf1"
_NONCE = 12
KEY_BYTES = 32


def new_key() -> bytes:
    """Return a random key of 32 bytes, for a fleet or for a member's exchange."""
    return secrets.token_bytes(KEY_BYTES)


def encrypt_blob(content: bytes, digest: str, epoch: int, key: bytes) -> bytes:
    """Encrypt a pack for the fleet.

    Args:
        content: of the pack's file.
        digest: its sha256 in hex, which names the blob.
        epoch: number of the fleet key.
        key: the fleet key.

    Returns:
        The blob: four bytes "etf1", the epoch in four bytes, the nonce, the ciphertext with its tag.
    """
    head = _MAGIC + epoch.to_bytes(4, "big")
    nonce = secrets.token_bytes(_NONCE)
    return head + nonce + _cipher(key).encrypt(nonce, content, head + digest.encode())


def epoch_of(blob: bytes) -> int:
    """Return the number of the fleet key that an untrusted blob was encrypted under.

    Raises:
        FleetError: it is no blob.
    """
    if len(blob) < 8 + _NONCE + 16 or blob[:4] != _MAGIC:
        raise FleetError("it is no encrypted pack")
    return int.from_bytes(blob[4:8], "big")


def decrypt_blob(blob: bytes, digest: str, keys: dict[int, bytes]) -> bytes:
    """Decrypt an untrusted blob.

    Args:
        blob: of `encrypt_blob`.
        digest: its name.
        keys: the fleet keys by number.

    Returns:
        The content.

    Raises:
        FleetError: it is no blob, of a key that this box does not have, or was changed.
    """
    from cryptography.exceptions import InvalidTag

    epoch = epoch_of(blob)
    if epoch not in keys:
        raise FleetError(f"it is encrypted under fleet key {epoch}, which this box was not given")
    try:
        nonce = blob[8 : 8 + _NONCE]
        return _cipher(keys[epoch]).decrypt(nonce, blob[8 + _NONCE :], blob[:8] + digest.encode())
    except InvalidTag:
        raise FleetError("it was changed, or is another one") from None


def exchange_public(private: bytes) -> str:
    """Return the public key in hex that belongs to a member's exchange key."""
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw().hex()


def wrap_key(key: bytes, public: str) -> str:
    """Encrypt a fleet key for one member.

    Args:
        key: the fleet key.
        public: the member's exchange key in hex.

    Returns:
        Hex: the ephemeral public key and the ciphertext.
    """
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    ephemeral = X25519PrivateKey.generate()
    sent = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(public)))
    return (sent + _cipher(_derived(shared, sent, public)).encrypt(bytes(_NONCE), key, None)).hex()


def unwrap_key(wrapped: str, private: bytes) -> bytes:
    """Decrypt a fleet key.

    Args:
        wrapped: of `wrap_key`.
        private: the member's exchange key.

    Returns:
        The fleet key.

    Raises:
        FleetError: it is of another member, or was changed.
    """
    require_cryptography()
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    try:
        data = bytes.fromhex(wrapped)
        sent = data[:KEY_BYTES]
        shared = X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(sent)
        )
        cipher = _cipher(_derived(shared, sent, exchange_public(private)))
        return cipher.decrypt(bytes(_NONCE), data[KEY_BYTES:], None)
    except (ValueError, InvalidTag):
        raise FleetError("the fleet key in the list of members is not for this box") from None


def require_cryptography() -> None:
    """Raise an error if the package cryptography is missing.

    Raises:
        MissingExtraError: it is.
    """
    try:
        import_module("cryptography")
    except ModuleNotFoundError:
        raise MissingExtraError("cryptography", "fleet") from None


def _cipher(key: bytes) -> "AESGCM":
    require_cryptography()
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _derived(shared: bytes, sent: bytes, public: str) -> bytes:
    # Each ephemeral key is used once, so the nonce of the one message under this key may be constant.
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"edge-tosca fleet key" + sent + bytes.fromhex(public)
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(shared)
