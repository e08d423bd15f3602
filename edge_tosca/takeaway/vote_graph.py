"""The kernel vote of a task's pictures, see `edge_tosca.classifier.kernel_vote`."""

import numpy as np

from edge_tosca.classifier.kernel_vote import FLOOR, KernelVote
from edge_tosca.classifier.router import PartWeight
from edge_tosca.features.normalization import GRID
from edge_tosca.features.part_weights import column_weights
from edge_tosca.takeaway.graph import Graph

_MOST_STEPS = np.iinfo(np.int16).max


def add_vote(graph: Graph, vote: KernelVote, sharpness: float, z: str, part_weight: PartWeight | None) -> str:
    """Vote on the picture.

    Args:
        graph: to add to.
        vote: of the task.
        sharpness: g.
        z: name of the normalised feature, float32 [1, d].
        part_weight: of the further parts; None for a feature of one part.

    Returns:
        Name of the log-probabilities up to a constant, float32 [1, k].
    """
    rows = _add_rows(graph, vote, part_weight)
    twice = graph.add("Mul", graph.product(z, rows), graph.constant(2))
    near = graph.add("Sub", twice, graph.stored("squares", vote.squares[None]))
    scaled = graph.add("Div", graph.add("Sub", near, graph.maximum(near)), graph.constant(vote.scale))
    kernel = graph.add("Exp", graph.add("Mul", graph.constant(sharpness), scaled))
    # Means over the pictures of each class, as one product.
    members = (vote.groups == np.arange(len(vote.starts))[:, None]).astype(np.float32)
    members /= members.sum(axis=1, keepdims=True)
    means = graph.product(kernel, graph.stored("members", members))
    shares = graph.add("Div", means, graph.total(means))
    return graph.add("Log", graph.add("Add", shares, graph.constant(FLOOR)))


def _add_rows(graph: Graph, vote: KernelVote, part_weight: PartWeight | None) -> str:
    """Store the voting pictures in steps of the grid, half as large as float32; exact.

    A runtime converts them once, when it loads the graph.
    """
    rows, weights = vote.rows, None
    if part_weight is not None and part_weight.weight > 0:
        weights = column_weights(part_weight.widths, part_weight.weight)
        rows = rows / weights
    steps = rows * np.float32(GRID)
    if np.abs(steps).max(initial=0) > _MOST_STEPS or (np.rint(steps) != steps).any():
        return graph.stored("pictures", vote.rows)
    whole = graph.cast(graph.stored("pictures", steps.astype(np.int16)), "float32")
    scale = np.full((1, rows.shape[1]), 1 / GRID, np.float32)
    return graph.add("Mul", whole, graph.stored("steps", scale if weights is None else scale * weights))
