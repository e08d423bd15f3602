"""Settings that every ONNX Runtime session on quantized graphs shares, so that all compute the same."""

from typing import Any

from edge_tosca.runtime.hardware import int8_overflows
from edge_tosca.runtime.no_telemetry import import_onnxruntime

_ERRORS_ONLY = 3


def session_options() -> Any:
    """Make the settings of a session that may compute int8.

    Returns:
        A new ``onnxruntime.SessionOptions``: silent but for errors, and exact on every processor.
    """
    options = import_onnxruntime().SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    if int8_overflows():
        # Products of U8S8 would overflow: features of cosine 0.98. As U8U8 they do not. Processors with VNNI
        # never overflow, and would be made slower by it: 8.7 instead of 4.7 ms for the default backbone.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options
