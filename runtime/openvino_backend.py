"""Run a backbone with OpenVINO on an Intel CPU, GPU or NPU."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.manifest import BACKBONE, REMEDY
from edge_tosca.runtime.telemetry import import_openvino

_MODEL, _WEIGHTS = "openvino/backbone.xml", "openvino/backbone.bin"


class OpenVinoBackend:
    """OpenVINO, compiled for the latency of a single picture.

    The compiled graph is cached in the user's cache directory, since a GPU or an NPU takes many seconds.

    Args:
        bundle: the verified bundle; its OpenVINO graph is preferred to its ONNX graph where it has one.
        device: "CPU", "GPU", "NPU" or "AUTO".
        threads: processor threads; None lets OpenVINO choose.

    Raises:
        MissingExtraError: openvino is not installed.
        EdgeToscaError: the device is not there.
        BundleError: OpenVINO cannot run the graph.
    """

    name = "openvino"

    def __init__(self, bundle: Bundle, device: str = "CPU", threads: int | None = None) -> None:
        self.device = device.upper()
        openvino = import_openvino()
        core = openvino.Core()
        self._check_device(core.available_devices)
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", **_cache()}
        if threads is not None and self.device == "CPU":
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            compiled = core.compile_model(_model(core, openvino, bundle), self.device, settings)
        except BundleError:
            raise
        except Exception as error:
            reason = str(error).strip().split("\n")[-1]
            raise BundleError(
                f"{bundle.path / BACKBONE}: openvino cannot run it on {self.device} ({reason}); {REMEDY}"
            ) from error
        self._request = compiled.create_infer_request()

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one picture's feature.

        Args:
            pixels: float32 [1, 3, size, size].

        Returns:
            float32 [d].
        """
        self._request.infer([pixels])
        return np.array(self._request.get_output_tensor(0).data, dtype=np.float32).reshape(-1)

    def _check_device(self, available: list[str]) -> None:
        kinds = sorted({name.split(".")[0] for name in available} | {"AUTO"})
        if self.device.split(".")[0] not in kinds:
            raise EdgeToscaError(
                f"openvino has no device {self.device} here; available: {', '.join(kinds)}; "
                "choose one with --device"
            )


def _model(core: Any, openvino: Any, bundle: Bundle) -> Any:
    if _MODEL not in bundle.files:
        return core.read_model(bundle.read(BACKBONE))
    weights = np.frombuffer(bundle.read(_WEIGHTS), dtype=np.uint8)
    return core.read_model(bundle.read(_MODEL), openvino.Tensor(weights))


def _cache() -> dict[str, str]:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-tosca" / "openvino"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    # A box with a read-only home compiles anew every time.
    except OSError:
        return {}
    return {"CACHE_DIR": str(folder)}
