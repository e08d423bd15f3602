"""Settings shared by all ONNX Runtime sessions on quantized graphs, so that all compute the same."""

from typing import Any

from edge_tosca.runtime.hardware import int8_overflows
from edge_tosca.runtime.no_telemetry import import_onnxruntime

_ERRORS_ONLY = 3


def session_options() -> Any:
    """Create the settings of a session that may compute int8.

    Returns:
        A new ``onnxruntime.SessionOptions`` that logs errors only and is exact on every processor.
    """
    options = import_onnxruntime().SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    if int8_overflows():
        # U8S8 products would overflow (features of cosine 0.98), U8U8 products do not. Processors with VNNI
        # never overflow, and U8U8 is slower on them: 8.7 instead of 4.7 ms for the default backbone.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options
