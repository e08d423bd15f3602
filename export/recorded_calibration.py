"""Read the shipped bundle's calibration, so that the bundle can be exported again without pictures."""

from dataclasses import dataclass
from typing import Any

from edge_tosca.export.ranges import Ranges
from edge_tosca.runtime.bundle import DEFAULT_BUNDLE, Bundle
from edge_tosca.runtime.golden import GoldenInput


@dataclass(frozen=True)
class RecordedCalibration:
    """The result of a calibration on real pictures.

    Attributes:
        ranges: least and greatest value to represent for every activation.
        quantization: the manifest's entry: tool, recipe, pictures.
        fidelity: the manifest's entry, measured on the graph quantized with the ranges.
        source: of the weights that the ranges were measured with.
        golden: golden features of that graph, which identify it after a rebuild.
    """

    ranges: Ranges
    quantization: dict[str, Any]
    fidelity: dict[str, Any]
    source: dict[str, Any]
    golden: tuple[GoldenInput, ...]


def read_recorded(name: str) -> RecordedCalibration | None:
    """Read the calibration that the shipped bundle's manifest records.

    Args:
        name: the backbone.

    Returns:
        Its calibration; None if the shipped bundle has another backbone.
    """
    if name != DEFAULT_BUNDLE.name or not DEFAULT_BUNDLE.is_dir():
        return None
    shipped = Bundle.load()
    quantization = shipped.manifest["quantization"]
    return RecordedCalibration(
        ranges={tensor: (low, high) for tensor, (low, high) in quantization["ranges"].items()},
        quantization=quantization,
        fidelity=shipped.manifest["fidelity"],
        source=shipped.manifest["source"],
        golden=shipped.as_superseded(shipped.supersedes[0]).golden if shipped.supersedes else shipped.golden,
    )
