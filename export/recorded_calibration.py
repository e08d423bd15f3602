"""Calibrations that ship with edge-tosca, so that its own bundle can be made again without pictures."""

from dataclasses import dataclass
from typing import Any

from edge_tosca.export.ranges import Ranges
from edge_tosca.runtime.bundle import DEFAULT_BUNDLE, Bundle
from edge_tosca.runtime.golden import GoldenInput


@dataclass(frozen=True)
class RecordedCalibration:
    """What calibration on real pictures found.

    Attributes:
        ranges: for every activation the least and greatest value to represent.
        quantization: the manifest's entry: tool, recipe, which pictures.
        fidelity: the manifest's entry, measured on the graph that the ranges gave.
        source: the weights it holds for.
        golden: features of that graph, to tell whether a rebuilt one is the same.
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
        Its calibration, or None if the shipped bundle is of another backbone.
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
        golden=shipped.golden,
    )
