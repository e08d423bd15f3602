"""Make a task's module, and learn how far its opinion can be trusted, from the task's own pictures alone.

Nothing of other tasks enters, so a module is the same whatever was learned before or is forgotten later.
"""

from collections.abc import Sequence

import numpy as np

from edge_tosca.luca import Array
from edge_tosca.module import Module
from edge_tosca.posterior import best_temperature
from edge_tosca.trainer import Training, fit

FOLDS = 3


def teach(inputs: Sequence[Array], training: Training, context: Array | None = None) -> tuple[Module, Array]:
    """Fit the module of a task, and its evidence by cross-fitting.

    Args:
        inputs: what the module reads, for each class float32 [n_c, d]; see `conditioning.luca_input`.
        training: settings of the trainer.
        context: head rows of earlier classes, for the paper's way of training; see `trainer.fit`.

    Returns:
        The module, its scale calibrated, and the cosines [n, k] that modules fitted without a picture's
        fold gave it, rows by class and picture; NaN for a picture that is alone in its class. A module of
        one class has an empty opinion: its cosines are all NaN.
    """
    x = np.concatenate(inputs)
    sizes = [len(rows) for rows in inputs]
    labels = np.repeat(np.arange(len(sizes)), sizes)
    fitted = fit(x, labels, len(sizes), training, context)
    cosines = np.full((len(x), len(sizes)), np.nan, np.float32)
    scale = fitted.scale
    if len(sizes) > 1:
        place = np.concatenate([np.arange(size) if size > 1 else np.full(1, -1) for size in sizes])
        for fold in range(FOLDS):
            held = (place >= 0) & (place % FOLDS == fold)
            if held.any():
                partial = fit(x[~held], labels[~held], len(sizes), training, context)
                module = Module(training.flow, partial.parameters, partial.prototypes, partial.scale)
                cosines[held] = module.cosines(x[held])
        known = ~np.isnan(cosines[:, 0])
        if known.any() and context is None:
            scale, _ = best_temperature(cosines[known], labels[known])
    return Module.rounded(training.flow, fitted.parameters, fitted.prototypes, scale), cosines
