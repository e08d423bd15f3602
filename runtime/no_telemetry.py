"""Import the inference engines so that they report nothing to their makers.

onnxruntime 1.29 and later uploads usage events from Linux too, and on its first import writes a device
identifier and an upload queue into the user's cache directory; openvino sends an event when it is
imported. "Nothing leaves the box" holds only if both are told so before they are imported, hence
every room gets them from here.
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
    # Read once, when the library is loaded: afterwards only the events can be stopped, not the identifier.
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
    """Make openvino and nncf fall back on their own do-nothing stub instead of their telemetry client."""
    # Their switch is a file in the user's home; an import that fails leaves the home alone.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
