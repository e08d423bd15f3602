"""Compute the reference features of the golden pictures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from edge_tosca.export.fidelity import graph_features
from edge_tosca.runtime.golden import GOLDEN_PICTURES, GoldenInput
from edge_tosca.runtime.preprocess import Preprocessing

if TYPE_CHECKING:
    import onnx


def record_golden(
    graph: "onnx.ModelProto", preprocessing: Preprocessing, outputs: Sequence[str] | None = None
) -> list[GoldenInput]:
    """Compute the golden features on onnxruntime's CPU provider.

    Args:
        graph: the graph that devices will run.
        preprocessing: of the graph's pictures.
        outputs: the graph's outputs that make a feature; the first one by default.

    Returns:
        The golden pictures with their features.
    """
    inputs = [preprocessing(Image.fromarray(picture.pixels())) for picture in GOLDEN_PICTURES]
    features = graph_features(graph, inputs, outputs)
    return [GoldenInput(picture, row) for picture, row in zip(GOLDEN_PICTURES, features, strict=True)]
