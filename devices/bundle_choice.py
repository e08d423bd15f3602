"""Which of the built-in bundles suits a device, by its measured speed."""

from collections.abc import Iterator
from pathlib import Path

from edge_tosca.devices.backbone_check import picture_times
from edge_tosca.devices.findings import Finding
from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime import BUILT_IN, GOLDEN_FLOOR, Bundle, bundle_setting, golden_cosines, open_backend

MOST_MS = 100.0
"""Longest preparation and inference of one picture with which a device counts as fast enough for `accurate`:
ten a second, of which a burst of 20 pictures takes two seconds."""

_NAME_OF = {"": "fast", "accurate": "accurate"}


def examine_choice(
    path: Path | None, runtime: str, device: str, threads: int | None, store: Path | None = None
) -> Iterator[Finding]:
    """Say whether a device is fast enough for the larger of the built-in bundles.

    Args:
        path: of the bundle that is in use; None for the default. For one that is not built in, nothing is
            recommended.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        threads: of the backbone; None for the runtime's own choice.
        store: that uses the bundle; None where none does yet.

    Yields:
        One finding, which always passes: either bundle works. Where `accurate` suits it says so and asks for
        nothing, since only pictures with more detail than 224 pixels gain (docs/backbones.md).
    """
    used = _NAME_OF.get(bundle_setting(path))
    if used is None:
        return
    bundle = Bundle.load(BUILT_IN["accurate"])
    try:
        backend = open_backend(bundle, runtime, device, threads)
    except EdgeToscaError:
        # It is in the findings about the runtime.
        return
    prepare, infer = picture_times(bundle, backend)
    right = min(golden_cosines(bundle, backend)) >= GOLDEN_FLOOR
    suits = right and prepare + infer <= MOST_MS
    why = (
        f"a picture takes {prepare + infer:.0f} ms with accurate, which is meant for up to {MOST_MS:.0f} ms"
        if right
        else "accurate computes wrong features here"
    )
    yield Finding(
        "built-in bundle",
        True,
        f"{used} is in use, and this device is {'' if suits else 'not '}fast enough for accurate: {why}",
        _how(store) if used == "accurate" and not suits else "",
        {"recommended": "accurate" if suits else "fast", "used": used, "accurate_ms": prepare + infer},
    )


def _how(store: Path | None) -> str:
    if store is None:
        return "create stores with: edge-tosca init STORE --backbone fast"
    return f"to use fast, which needs the pictures: edge-tosca migrate {store} --backbone fast"
