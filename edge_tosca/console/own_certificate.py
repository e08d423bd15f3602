"""A key and a self-signed certificate of the console's own, in one file beside the store.

Browsers give a page the camera over https only, and a box in a home or a workshop has no name that an
authority would certify. The certificate names the addresses of the box. Its fingerprint is shown where the
box is started, for comparison with what a phone's browser shows.
"""

import datetime
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.store.location import real_path
from edge_tosca.system.files import IrregularFileError, open_regular, write_atomically
from edge_tosca.system.network import lan_addresses

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

LIFETIME = datetime.timedelta(days=397)
"""The most that browsers take from a certificate."""

RENEWED_BEFORE = datetime.timedelta(days=30)

_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class OwnCertificate:
    """A certificate with its key.

    Attributes:
        path: PEM file with the key and the certificate.
        fingerprint: SHA-256 of the certificate, as browsers show it.
        names: subject alternative names, host names and addresses.
        until: end of its validity, UTC.
    """

    path: Path
    fingerprint: str
    names: frozenset[str]
    until: datetime.datetime


def certificate_path(store: Path) -> Path:
    """Return where the key and the certificate of a store's console are kept.

    Args:
        store: file of the learner.
    """
    return Path(f"{real_path(store)}.tls")


def own_names(hosts: Sequence[str] = ()) -> list[str]:
    """List the names and addresses under which devices of the network open the console.

    Args:
        hosts: further host names.
    """
    name = socket.gethostname()
    names = ["localhost", name, f"{name}.local", *hosts, "127.0.0.1", "::1", *lan_addresses()]
    return list(dict.fromkeys(names))


def ensure_certificate(
    store: Path, names: Sequence[str], now: datetime.datetime | None = None
) -> OwnCertificate:
    """Return the console's certificate; make or renew it where it must be. The key stays the same.

    Args:
        store: file of the learner.
        names: that it must have.
        now: UTC; None for the clock's.

    Returns:
        A certificate of all these names that is valid for longer than RENEWED_BEFORE.

    Raises:
        EdgeToscaError: the file cannot be written, or the package cryptography is missing.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ModuleNotFoundError:
        raise MissingExtraError("cryptography", "console") from None

    now = now or datetime.datetime.now(datetime.UTC)
    path = certificate_path(store)
    key, certificate = _read(path)
    if certificate is not None:
        found = _described(path, certificate)
        if (
            found.names >= set(names)
            and now + RENEWED_BEFORE < found.until
            and certificate.not_valid_before_utc <= now
        ):
            return found
    key = key or ec.generate_private_key(ec.SECP256R1())
    certificate = _signed(key, names, now)
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    try:
        write_atomically(path, lambda file: file.write(content))
    except OSError as error:
        raise EdgeToscaError(
            f"{path}: the certificate cannot be written ({error.strerror}); make the folder writable, or "
            "give --tls-cert and --tls-key"
        ) from None
    return _described(path, certificate)


def _read(path: Path) -> "tuple[ec.EllipticCurvePrivateKey | None, x509.Certificate | None]":
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        with open_regular(path, _MOST_BYTES) as file:
            os.fchmod(file.fileno(), 0o600)
            content = file.read()
        key = serialization.load_pem_private_key(content, None)
        certificate = x509.load_pem_x509_certificate(content)
    except (OSError, IrregularFileError, ValueError, TypeError):
        return None, None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None, None
    return key, certificate if certificate.public_key() == key.public_key() else None


def _signed(
    key: "ec.EllipticCurvePrivateKey", names: Sequence[str], now: datetime.datetime
) -> "x509.Certificate":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge-tosca")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A phone's clock may be late by some minutes.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME - datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .sign(key, hashes.SHA256())
    )


def _general_name(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode("ascii"))


def _described(path: Path, certificate: "x509.Certificate") -> OwnCertificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    digits = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    known = {str(one.value) for one in names}
    return OwnCertificate(path, digits, frozenset(known), certificate.not_valid_after_utc)
