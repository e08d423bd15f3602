"""Prune the hidden units of a module that contribute nothing: less memory, faster, the same answers.

Training sets most parameters to exactly zero, and with them the weights of whole hidden units. gelu(0) and
relu(0) are zero, so a unit without input or without output adds nothing. The formulae of
`edge_tosca.tosca.luca` hold for any hidden width.
"""

from dataclasses import replace

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.tosca.task_module import Module

_BOTTLENECKS = (("W1", "b1", "W2"), ("V1", None, "V2"))


def prune(module: Module) -> Module:
    """Remove the hidden units whose input weights and bias, or output weights, are all zero.

    Args:
        module: any module.

    Returns:
        A module with the same outputs, up to float32 rounding. Its `size` counts the parameters that remain.
    """
    parameters = dict(module.parameters)
    for inward, bias, outward in _BOTTLENECKS:
        if inward not in parameters:
            continue
        active = parameters[inward].any(axis=1)
        if bias is not None:
            active |= parameters[bias] != 0
        kept = np.flatnonzero(active & parameters[outward].any(axis=0))
        parameters[inward] = parameters[inward][kept]
        parameters[outward] = np.ascontiguousarray(parameters[outward][:, kept])
        if bias is not None:
            parameters[bias] = parameters[bias][kept]
    return replace(module, parameters=parameters)


def memory_bytes(module: Module) -> int:
    """Count the bytes that a module's arrays take in memory.

    Args:
        module: any module.

    Returns:
        The bytes, with the prototypes twice: as stored and at unit length.
    """
    arrays: tuple[Array, ...] = (*module.parameters.values(), module.prototypes, module.prototypes)
    return sum(array.nbytes for array in arrays)
