"""Import the inference runtimes with their telemetry off.

onnxruntime 1.29 and later uploads usage events from Linux too, and on its first import writes a device
identifier and an upload queue into the user's cache directory; openvino sends an event when it is
imported. Both must be configured before the import, so all packages import them through this file.
"""

import importlib
import os
import sys
from types import ModuleType

from edge_tosca.errors import MissingExtraError


def import_onnxruntime() -> ModuleType:
    """Import onnxruntime with its telemetry off.

    Returns:
        The module ``onnxruntime``.
    """
    # The library reads it once, on loading; later only the events can be stopped, not the identifier.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    module = importlib.import_module("onnxruntime")
    if hasattr(module, "disable_telemetry_events"):
        module.disable_telemetry_events()
    return module


def import_openvino() -> ModuleType:
    """Import openvino with its telemetry off.

    Returns:
        The module ``openvino``.

    Raises:
        MissingExtraError: openvino is not installed.
    """
    block_openvino_telemetry()
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise MissingExtraError("openvino", "openvino") from error


def block_openvino_telemetry() -> None:
    """Make openvino and nncf use their own stub instead of their telemetry client."""
    # Their opt-out is a file in the user's home directory; a failing import needs none.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
