"""The address of a fleet's broker, with TLS and client certificates."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl

from edge_tosca.addresses import PERCENT_CODES, Address, redacted
from edge_tosca.errors import FleetError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_FILES = ("ca", "cert", "key")


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is.

    Attributes:
        name: for messages, without anything secret.
        host: host name or address.
        port: TCP port.
        tls: connect by TLS and verify the broker's certificate.
        user: user name; None for none.
        password: of the user; None for none.
        ca: PEM file of the certificate authorities; None for the system's.
        cert: PEM file of this box's certificate; None for none.
        key: PEM file of the certificate's private key; None where it is in the same file.
    """

    name: str
    host: str = field(repr=False)
    port: int
    tls: bool
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a broker's address.

        Args:
            url: mqtt://user:password@host:port, or mqtts:// with ?ca=FILE&cert=FILE&key=FILE.

        Returns:
            The address.

        Raises:
            FleetError: it is invalid.
        """
        example = (
            f"write mqtts://host:8883?ca=FILE&cert=FILE&key=FILE, and in user and password {PERCENT_CODES}"
        )
        try:
            address = Address.parse(url)
        except ValueError as error:
            raise FleetError(f"the broker's address {error}; {example}") from None
        path, _, query = address.rest.partition("#")[0].partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        if address.scheme not in _PORTS or path.strip("/") or options.keys() - set(_FILES):
            raise FleetError(f"{redacted(url)} is no address of a fleet's broker; {example}")
        if options and address.scheme != "mqtts":
            raise FleetError(f"{redacted(url)}: certificates are for mqtts:// alone; {example}")
        for name, file in options.items():
            if not Path(file).is_file():
                raise FleetError(f"{name}={file}: there is no such file; name a PEM file")
        return cls(
            name=redacted(url),
            host=address.host,
            port=address.port or _PORTS[address.scheme],
            tls=address.scheme == "mqtts",
            user=address.user,
            password=address.password,
            **{name: options.get(name) for name in _FILES},
        )
