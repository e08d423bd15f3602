"""Options of `edge-tosca serve`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from edge_tosca.live import Live
from edge_tosca.live.dwell import Dwell

DEFAULT_PORT = 8600


class Role(IntEnum):
    """What a user may do; each role may do what the ones before it may."""

    VIEW = 1
    TEACH = 2
    ADMINISTER = 3

    @property
    def word(self) -> str:
        """The role as options and messages spell it."""
        return self.name.lower()


ROLES = {role.word: role for role in Role}


@dataclass(frozen=True)
class NamedToken:
    """A token of a user.

    Attributes:
        role: what the user may do.
        name: of the user.
        secret: the token.
    """

    role: Role
    name: str
    secret: str = field(repr=False)


class Follower(Protocol):
    """Informs others of the changes of the live loop; `edge_tosca.watch.follower` has one.

    Attributes:
        dwell: counts what is shown.
    """

    dwell: Dwell

    def start(self, live: Live, connected: Callable[[str], bool]) -> None:
        """Begin to follow.

        Args:
            live: the loop.
            connected: returns whether the camera of a name gives frames.
        """
        ...

    def events(self) -> Mapping[tuple[str, str], int]:
        """Return how many changes became what since the start, by sink and outcome."""
        ...

    def close(self) -> None:
        """End."""
        ...


@dataclass(frozen=True)
class Options:
    """How the console is served.

    Attributes:
        store: file of the learner.
        cameras: name to specification, as `edge_tosca.devices.camera.open_camera` takes it, which may hold a
            password.
        address: IP address or host name to listen on.
        port: TCP port to listen on; 0 for any free one.
        token: of the administrator; with no other token either, none is needed, on loopback only.
        hosts: host names that clients may use, besides those of the address.
        tls_cert: certificate, PEM file; None for plain HTTP or `tls_auto`.
        tls_key: its private key, PEM file.
        tls_auto: serve over TLS with a key and a certificate of the console's own, kept beside the store.
        pack_key: private key that signs packs; None to export none.
        frames: views in a live answer.
        runtime: of the backbone; None for the store's.
        device: of the backbone; None for the store's.
        threads: of the live loop's backbone; None for the runtime's own choice.
        key_file: key of an encrypted store; None for the places that `find_key` looks at.
        tokens: of other users.
        root_path: path under which a proxy shows the console, as /box; "" for the root.
        trigger: when regions without a trigger of their own are looked at.
        follower: informs others of changes; None for nobody.
        trusted_proxies: addresses and networks of proxies whose X-Forwarded headers are believed.
    """

    store: Path
    cameras: Mapping[str, str] = field(default_factory=dict, repr=False)
    address: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    pack_key: Path | None = None
    frames: int = 5
    runtime: str | None = None
    device: str | None = None
    threads: int | None = None
    key_file: Path | None = None
    tokens: tuple[NamedToken, ...] = ()
    root_path: str = ""
    trusted_proxies: tuple[str, ...] = ()
    trigger: str = "always"
    follower: Follower | None = field(default=None, repr=False)
    tls_auto: bool = False
