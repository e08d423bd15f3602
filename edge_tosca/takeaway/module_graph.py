"""LuCA modules and their cosine heads, see `edge_tosca.tosca.luca`, and the paper's choice among them."""

import math
from collections.abc import Sequence

import numpy as np

from edge_tosca.arrays import unit_rows
from edge_tosca.takeaway.graph import Graph
from edge_tosca.tosca.luca import NORM_EPSILON
from edge_tosca.tosca.task_module import Module

_MOST_LOGIT = 80.0


def add_opinion(graph: Graph, module: Module, z: str, width: int) -> str:
    """Compute a module's opinion.

    Args:
        graph: to add to.
        module: a pruned one.
        z: name of the normalised feature, float32 [1, d].
        width: of its first part, which modules read.

    Returns:
        Name of the log-probabilities up to a constant, float32 [1, k].
    """
    x = graph.add("Mul", graph.slice(z, 0, width), graph.constant(math.sqrt(width)))
    output = graph.unit_rows(_add_module(graph, module, x))
    cosines = graph.product(output, graph.stored("prototypes", unit_rows(module.prototypes)))
    return graph.add("Mul", cosines, graph.constant(module.scale))


def add_entropy_choice(graph: Graph, modules: Sequence[Module], feature: str, width: int) -> str:
    """Classify by the module with the least entropy, see `edge_tosca.tosca.entropy_selection`.

    Args:
        graph: to add to.
        modules: of all tasks, pruned, in order.
        feature: name of the feature as the backbone computes it, float32 [1, d].
        width: of its first part, which modules read.

    Returns:
        Name of the log-probabilities of all groups, float32 [1, g].
    """
    x = graph.slice(feature, 0, width)
    heads = graph.stored("prototypes", unit_rows(np.concatenate([one.prototypes for one in modules])))
    scale = graph.constant(modules[-1].scale)
    logs, entropies = [], []
    for module in modules:
        cosines = graph.product(graph.unit_rows(_add_module(graph, module, x)), heads)
        logs.append(graph.add("LogSoftmax", graph.add("Mul", scale, cosines), axis=1))
        entropies.append(graph.total(graph.add("Mul", graph.add("Exp", logs[-1]), logs[-1])))
    if len(modules) == 1:
        return logs[0]
    # Sums of p log p, so that the largest is the least entropy.
    best = graph.add("ArgMax", graph.add("Concat", *entropies, axis=1), axis=1, keepdims=0)
    return graph.add("Gather", graph.add("Concat", *logs, axis=0), best, axis=0)


def _add_module(graph: Graph, module: Module, x: str) -> str:
    """Apply a module to features, float32 [1, d]."""
    if module.flow == "calibrator":
        return _add_calibrated(graph, module, x)
    adapted = _add_adapted(graph, module, x)
    if module.flow == "adapter":
        return _add_layer_norm(graph, module, adapted)
    if module.flow == "tosca":
        return _add_calibrated(graph, module, _add_layer_norm(graph, module, graph.add("Add", x, adapted)))
    return graph.add("Add", _add_calibrated(graph, module, x), _add_layer_norm(graph, module, adapted))


def _add_adapted(graph: Graph, module: Module, x: str) -> str:
    p = module.parameters
    shift = graph.stored("b2", p["b2"][None])
    if len(p["W1"]) == 0:
        return shift
    before = graph.add("Gemm", x, graph.stored("W1", p["W1"]), graph.stored("b1", p["b1"]), transB=1)
    erf = graph.add("Erf", graph.add("Mul", before, graph.constant(math.sqrt(0.5))))
    cdf = graph.add("Mul", graph.constant(0.5), graph.add("Add", graph.constant(1.0), erf))
    hidden = graph.add("Mul", before, cdf)
    return graph.add("Gemm", hidden, graph.stored("W2", p["W2"]), shift, transB=1)


def _add_layer_norm(graph: Graph, module: Module, z: str) -> str:
    p = module.parameters
    centred = graph.add("Sub", z, graph.mean(z))
    variance = graph.add("Add", graph.mean(graph.add("Mul", centred, centred)), graph.constant(NORM_EPSILON))
    unit = graph.add("Div", centred, graph.add("Sqrt", variance))
    scaled = graph.add("Mul", unit, graph.stored("gain", p["gain"][None]))
    return graph.add("Add", scaled, graph.stored("shift", p["shift"][None]))


def _add_calibrated(graph: Graph, module: Module, z: str) -> str:
    p = module.parameters
    if len(p["V1"]) == 0:
        return graph.add("Mul", graph.constant(0.5), z)
    squeezed = graph.add("Relu", graph.product(z, graph.stored("V1", p["V1"])))
    logits = graph.product(squeezed, graph.stored("V2", p["V2"]))
    bound = [graph.constant(-_MOST_LOGIT), graph.constant(_MOST_LOGIT)]
    return graph.add("Mul", z, graph.add("Sigmoid", graph.add("Clip", logits, *bound)))
