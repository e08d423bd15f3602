"""What `edge-tosca serve` was asked for."""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8600


@dataclass(frozen=True)
class Options:
    """How the console is served.

    Attributes:
        store: of the learner.
        camera: which one, as `edge_tosca.devices.camera.open_camera` takes it; None for none.
        address: that is listened on.
        port: likewise; 0 for any free one.
        token: without which nobody gets in; None for none, on loopback only.
        hosts: names, besides those of the address, under which browsers may ask.
        tls_cert: PEM file; None for plain HTTP.
        tls_key: PEM file.
        pack_key: private key that signs packs; None to export none.
        frames: views in a live answer.
        runtime: of the backbone; None for the store's.
        device: of the backbone; None for the store's.
        threads: of the live loop's backbone; None for the runtime's own choice.
    """

    store: Path
    camera: str | None = None
    address: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str | None = None
    hosts: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    pack_key: Path | None = None
    frames: int = 5
    runtime: str | None = None
    device: str | None = None
    threads: int | None = None
