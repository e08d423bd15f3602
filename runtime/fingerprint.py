"""Identify the origin of features, so that features of two origins are never mixed."""

import hashlib
import json
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_tosca.runtime.backend import Backend
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.golden_cache import cached_golden_features
from edge_tosca.runtime.manifest import BACKBONE, input_of


@dataclass(frozen=True)
class Fingerprint:
    """The origin of features; modules fitted on one origin are not valid on another.

    INT8 features differ between runtimes and kinds of device, not only between backbones.

    Attributes:
        name: the backbone's name, for people; not part of the digest.
        backbone: sha256 (hex) of the backbone's graph.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        preprocessing: sha256 (hex) of the preprocessing parameters.
        graph: sha256 (hex) over the loaded files; empty where only the backbone's graph is loaded.
        golden: the first part of this backend's features of the golden pictures, float32 [g, d_1], which
            measures how far two origins of one backbone differ; not part of the digest.
    """

    name: str
    backbone: str
    runtime: str
    device: str
    preprocessing: str
    graph: str = ""
    golden: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    @property
    def digest(self) -> str:
        """The sha256 (hex) over everything that the features depend on."""
        parts = {
            "backbone": self.backbone,
            "runtime": self.runtime,
            "device": self.device,
            "preprocessing": self.preprocessing,
        }
        if self.graph:
            parts["graph"] = self.graph
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.name} ({self.backbone[:8]}) on {self.runtime} {self.device}"


def fingerprint(bundle: Bundle, backend: Backend, golden: NDArray[np.float32] | None = None) -> Fingerprint:
    """Compute the fingerprint of a backend's features.

    Args:
        bundle: the bundle.
        backend: the backend that runs it.
        golden: its features of the golden pictures, float32 [g, d]; None to compute them.

    Returns:
        The fingerprint.
    """
    files = [bundle.files[name] for name in backend.graph]
    return Fingerprint(
        name=bundle.name,
        backbone=bundle.digest,
        runtime=backend.name,
        device=backend.device,
        preprocessing=preprocessing_digest(bundle),
        graph="" if backend.graph == (BACKBONE,) else hashlib.sha256(" ".join(files).encode()).hexdigest(),
        golden=(cached_golden_features(bundle, backend) if golden is None else golden)[:, : bundle.widths[0]],
    )


def preprocessing_digest(bundle: Bundle) -> str:
    """Compute the sha256 (hex) of a bundle's preprocessing parameters."""
    numbers = json.dumps(input_of(bundle.preprocessing), sort_keys=True)
    return hashlib.sha256(numbers.encode()).hexdigest()
