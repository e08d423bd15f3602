"""Pixels to the backbone's input, and its outputs to the normalised feature."""

from collections.abc import Sequence

import numpy as np

from edge_tosca.classifier.router import PartWeight
from edge_tosca.features.normalization import GRID
from edge_tosca.runtime.preprocess import Preprocessing
from edge_tosca.takeaway.graph import Graph

_LARGEST = 65504.0


def add_pixels(graph: Graph, picture: str, preprocessing: Preprocessing, output: str) -> None:
    """Standardise the pixels as `Preprocessing.normalise` does, with the same roundings.

    Args:
        graph: to add to.
        picture: name of the pixels, uint8 [1, size, size, 3].
        preprocessing: with mean and standard deviation.
        output: name of the backbone's input, float32 [1, 3, size, size].
    """
    planes = graph.cast(graph.add("Transpose", picture, perm=(0, 3, 1, 2)), "float32")
    grey = graph.add("Div", planes, graph.constant(255))
    mean, std = (graph.constant(v, shape=(1, 3, 1, 1)) for v in (preprocessing.mean, preprocessing.std))
    graph.add("Div", graph.add("Sub", grey, mean), std, output=output)


def add_feature(graph: Graph, outputs: Sequence[str], widths: Sequence[int]) -> str:
    """Join the backbone's outputs.

    Args:
        graph: to add to.
        outputs: names of the parts.
        widths: of the parts.

    Returns:
        Name of the feature, float32 [1, d].
    """
    parts = [graph.reshape(name, 1, width) for name, width in zip(outputs, widths, strict=True)]
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def add_normalized(graph: Graph, feature: str, widths: Sequence[int], weight: PartWeight | None) -> str:
    """Normalise the feature and weigh its parts, see `edge_tosca.features.normalization`.

    Args:
        graph: to add to.
        feature: its name, float32 [1, d].
        widths: of its parts.
        weight: of the further parts; None for a feature of one part.

    Returns:
        Name of the normalised feature, float32 [1, d], or [1, d_1] where the further parts weigh nothing.
    """
    bound = [graph.constant(-_LARGEST), graph.constant(_LARGEST)]
    rounded = graph.cast(graph.cast(graph.add("Clip", feature, *bound), "float16"), "float32")
    parts, start = [], 0
    for place, width in enumerate(widths):
        if place and (weight is None or weight.weight == 0):
            break
        part = rounded if len(widths) == 1 else graph.slice(rounded, start, start + width)
        if place == 0:
            part = graph.add("Mul", graph.add("Sign", part), graph.add("Sqrt", graph.add("Abs", part)))
        on_grid = _add_on_grid(graph, part)
        if place and weight is not None:
            on_grid = graph.add("Mul", on_grid, graph.constant(weight.weight))
        parts.append(on_grid)
        start += width
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def _add_on_grid(graph: Graph, part: str) -> str:
    """Scale a part to unit length, rounded to the grid; zeros stay zeros."""
    # The least length of a part that is not zero is far above this: float16 has no smaller number than 6e-8.
    length = graph.add("Max", graph.length(part), graph.constant(np.finfo(np.float32).tiny))
    steps = graph.add("Round", graph.add("Mul", graph.add("Div", part, length), graph.constant(GRID)))
    return graph.add("Mul", steps, graph.constant(1 / GRID))
