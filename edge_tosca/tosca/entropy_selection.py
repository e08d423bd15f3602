"""The paper's choice of module, one picture at a time: the least entropy over all classes seen.

Source: arXiv 2502.14762, section 3.4. The released code averages the entropy over a batch of 48 test
pictures taken class by class, which gives the choice away; a camera has one picture. This is the
reference that the default router is measured against.
"""

from collections.abc import Sequence

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.tosca.luca import forward
from edge_tosca.tosca.task_module import Module


def entropy_log_posterior(modules: Sequence[Module], x: Array) -> Array:
    """Let every module speak on all classes, and believe the one that is most certain.

    The head has one sigma, that of the last task: entropies under different ones could not be compared.

    Args:
        modules: of all tasks, in their order.
        x: raw features, float32 [n, d].

    Returns:
        Log-probabilities over all classes, [n, g], each row from that picture's module.
    """
    rows = np.concatenate([module.prototypes for module in modules])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12
    least = np.full(len(x), np.inf)
    chosen = np.zeros((len(x), len(rows)), np.float32)
    for module in modules:
        output = forward(module.parameters, x, module.flow)
        output /= np.linalg.norm(output, axis=1, keepdims=True) + 1e-12
        logs = log_softmax(modules[-1].scale * (output @ rows.T))
        entropy = -np.sum(np.exp(logs) * logs, axis=1)
        better = entropy < least
        least[better] = entropy[better]
        chosen[better] = logs[better]
    return chosen
