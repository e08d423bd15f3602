"""Say what features depend on, so that features of two different origins are never mixed."""

import hashlib
import json
from dataclasses import asdict, dataclass

from edge_tosca.runtime.backend import Backend
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.manifest import input_of


@dataclass(frozen=True)
class Fingerprint:
    """Where features come from; modules fitted on one origin are not valid on another.

    INT8 features differ between runtimes and kinds of device, not only between backbones.

    Attributes:
        name: the backbone's name, for the reader; not part of the digest.
        backbone: sha256 (hex) of the backbone's graph.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        preprocessing: sha256 (hex) of the preprocessing's numbers.
    """

    name: str
    backbone: str
    runtime: str
    device: str
    preprocessing: str

    @property
    def digest(self) -> str:
        """The sha256 (hex) over everything that the features depend on."""
        parts = {key: value for key, value in asdict(self).items() if key != "name"}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.name} ({self.backbone[:8]}) on {self.runtime} {self.device}"


def fingerprint(bundle: Bundle, backend: Backend) -> Fingerprint:
    """Take the fingerprint of the features that a backend computes.

    Args:
        bundle: the bundle.
        backend: the backend that runs it.

    Returns:
        The fingerprint.
    """
    numbers = json.dumps(input_of(bundle.preprocessing), sort_keys=True)
    return Fingerprint(
        name=bundle.name,
        backbone=bundle.digest,
        runtime=backend.name,
        device=backend.device,
        preprocessing=hashlib.sha256(numbers.encode()).hexdigest(),
    )
