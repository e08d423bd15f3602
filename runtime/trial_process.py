"""The process that tries an untrusted bundle: load its graph, run the golden pictures, and say so.

    python -P -m edge_tosca.runtime.trial_process BUNDLE RUNTIME DEVICE

The last line on stdout is a JSON object with the digests of the files that were tried, or with an error.
"""

import ctypes
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_tosca.errors import BundleError, EdgeToscaError, in_one_line
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.golden_check import golden_features
from edge_tosca.runtime.manifest import REMEDY
from edge_tosca.runtime.no_telemetry import import_onnxruntime, import_openvino
from edge_tosca.runtime.trial_limits import TrialLimits

_PARENT_DEATH_SIGNAL, _KILL = 1, 9
_OUT_OF_MEMORY = ("bad_alloc", "failed to allocate", "cannot allocate", "can't alloc")


def main() -> None:
    """Try the bundle that the command line names."""
    path, runtime, device = sys.argv[1:]
    # Whatever a runtime prints must not pass for the result.
    answer = os.dup(1)
    os.dup2(2, 1)
    _end_with_the_parent()
    result = _tried(Path(path), runtime, device)
    os.write(answer, json.dumps(result).encode() + b"\n")
    # Threads of a runtime are not waited for.
    os._exit(0)


def _tried(path: Path, runtime: str, device: str) -> dict[str, Any]:
    try:
        # Before the limits, which are those of the bundle and not of the runtime's libraries.
        if runtime == "openvino":
            import_openvino().Core()
        else:
            import_onnxruntime()
        bundle = Bundle.load(path)
        names = bundle.graph_files(runtime)
        size = sum((path / name).stat().st_size for name in names)
        TrialLimits.of(size, bundle.preprocessing.size, device).set_here()
        golden_features(bundle, _backend(bundle, runtime, device))
    # Runtimes raise exceptions of their own.
    except Exception as error:
        if _of_memory(error):
            return {"bundle_error": f"{path}: takes more memory than a trial may take; refused; {REMEDY}"}
        if isinstance(error, EdgeToscaError):
            return {"bundle_error" if isinstance(error, BundleError) else "error": str(error)}
        reason = in_one_line(error)
        return {"bundle_error": f"{path}: {runtime} cannot run it on {device} ({reason}); {REMEDY}"}
    return {"files": {name: bundle.files[name] for name in names}}


def _of_memory(error: BaseException | None) -> bool:
    """Return whether memory that could not be had is the error, or the one that it was raised from."""
    while error is not None:
        if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _OUT_OF_MEMORY):
            return True
        error = error.__cause__
    return False


def _backend(bundle: Bundle, runtime: str, device: str) -> Any:
    if runtime == "openvino":
        from edge_tosca.runtime.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(bundle, device, threads=1, cached=False)
    from edge_tosca.runtime.onnxruntime_backend import OnnxRuntimeBackend

    return OnnxRuntimeBackend(bundle, device, threads=1)


def _end_with_the_parent() -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, _KILL)
    # The first that the system ends where memory is short.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main()
