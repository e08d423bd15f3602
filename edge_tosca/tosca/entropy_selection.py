"""The paper's choice of module: the one with the least entropy over all classes, for each picture by itself.

    p_t = softmax(sigma cos(LuCA_t(x), rows of all tasks)),  t* = argmin over tasks t of H(p_t)

Source: arXiv 2502.14762, section 3.4. The released code averages H over a batch of 48 test pictures in the
order of their classes, which reveals the task; a camera has one picture. The default router is measured
against this.
"""

from collections.abc import Sequence

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.tosca.luca import forward
from edge_tosca.tosca.task_module import Module


def entropy_log_posterior(modules: Sequence[Module], x: Array) -> Array:
    """Classify by the module with the least entropy.

    All modules use the sigma of the last task: entropies under different ones could not be compared.

    Args:
        modules: of all tasks, in order.
        x: raw features, float32 [n, d].

    Returns:
        Log-probabilities of all classes, [n, g]; each row is from the module that was chosen for the picture.
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
