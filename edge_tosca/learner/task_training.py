"""Train the module of a task, and cross-fit its evidence, from the task's own pictures alone.

The evidence is what the module answers to pictures that were held out of its training; the router's
calibration weighs the modules by it. Below CROSS_FITTED pictures a class there is none, and the router
decides: no module was ever better than the discriminant there (docs/method.md). Nothing of other tasks
enters, so that a module is the same whatever was learned before or is forgotten later.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.calibration.temperature import best_temperature
from edge_tosca.classifier.lda.blocked_folds import FOLDS, choose_blocks, folds_of
from edge_tosca.classifier.lda.leave_block_out import LeaveBlockOut, scores_dtype
from edge_tosca.classifier.lda.shrinkage_selection import choose_shrinkage
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.features.normalization import module_input, normalize, to_cache_dtype
from edge_tosca.tosca.task_module import Module
from edge_tosca.tosca.training import Fitted, Training, fit

LEARNING_RATE = 1.0
"""Forty times the paper's: a task in the field has tens of pictures, and its training few steps."""

SCALE = 16.0
"""Initial sigma. From the paper's 1 the logits stay near -1 .. 1 in so few steps, and little is learned."""

INITIAL = 0.1
"""Factor on the initial weights. With the paper's weights an L1 penalty that removes what was not learned
also removes the little that a small task teaches, and modules end up empty."""

SHRINK = 0.002
"""Distance by which the L1 penalty moves a parameter towards zero over a training, divided by the square root
of the number of steps. The noise of gradients moves a weight like a random walk, with that root; what remains
was learned. The distance exceeds the initial weights (0.0066 for d = 1280) from 11 steps on."""


CROSS_FITTED = 100
"""Mean number of pictures a class from which on a module is cross-fitted. Three further trainings are three
quarters of a lesson's training, and up to 40 pictures a class their evidence never gave a module a weight."""

EPOCHS, FEW_EPOCHS = 20, 8
"""Passes over the pictures; the second below CROSS_FITTED pictures a class, where the router decides. There
modules of 8 epochs alone name as many test pictures right as those of 20, with fewer parameters: of ten
classes with five and 20 pictures clothing .60 and .77 beside .67 and .68, hand signs .60 and .70 beside .58
and .71, traffic signs .79 and .88 beside .76 and .87."""


def is_cross_fitted(cosines: Array) -> bool:
    """Return whether evidence, as `train_task_module` returns it, shows what a module adds."""
    return bool(np.nan_to_num(cosines).any())


def field_training(pictures: int, shrink: float = SHRINK, epochs: int = EPOCHS) -> Training:
    """Return the training settings for a task in the field.

    Args:
        pictures: number of its pictures.
        shrink: strength of the L1 penalty, see SHRINK.
        epochs: passes over the pictures.

    Returns:
        Settings with an L1 penalty for the number of steps that follows.
    """
    plain = Training(epochs=epochs, learning_rate=LEARNING_RATE, scale=SCALE, head="trained", initial=INITIAL)
    steps = math.ceil(pictures / plain.batch) * plain.epochs
    # The mean of the half cosine over the epochs is (epochs + 1) / (2 epochs).
    travelled = plain.learning_rate * steps * (plain.epochs + 1) / (2 * plain.epochs)
    return replace(plain, l1=shrink * math.sqrt(steps) / travelled)


def train_task_module(
    features: Sequence[Array],
    *,
    shrink: float = SHRINK,
    head_start: bool = True,
    cross_fitted: float = CROSS_FITTED,
    log_priors: bool = True,
    on_epoch: Callable[[int, int], None] | None = None,
) -> tuple[Module, Array]:
    """Train the module of a task on what the task's own discriminant gets wrong, and cross-fit its evidence.

    The discriminant's held-out scores of a picture, without the picture's block, are offsets of the logits.
    So the module adds to a linear answer instead of repeating it.

    Args:
        features: of each class, float [n_c, d].
        shrink: strength of the L1 penalty, see SHRINK.
        head_start: add the discriminant's scores; without them the module learns the task alone.
        cross_fitted: mean number of pictures a class from which on there is evidence.
        log_priors: where there is evidence, add the logarithms of the classes' shares to the scores, so that
            the module learns none of them: the router gives all classes the same prior.
        on_epoch: called with the number of epochs done and of all, those of the cross-fit included.

    Returns:
        The module, and its evidence, float32 [n, k]: the cosines of each picture in modules that were trained
        without the picture's block, rows by class and picture. NaN for a picture that is alone in its class,
        and for all pictures of a task of one class; zeros, which are no opinion, in a task of few pictures.
    """
    normalized = [normalize(rows) for rows in features]
    sizes = [len(rows) for rows in normalized]
    labels = np.repeat(np.arange(len(sizes)), sizes)
    offsets = np.zeros((len(labels), len(sizes)), np.float32)
    if head_start and len(sizes) > 1:
        offsets = _discriminant_scores(normalized)
    if log_priors and len(labels) >= cross_fitted * len(sizes):
        offsets += np.log(np.array(sizes) / max(sizes)).astype(np.float32)
    # After the scores, whose matrices are the largest in a lesson of very many pictures.
    x = module_input(np.concatenate(normalized))
    del normalized
    few = len(x) < cross_fitted * len(sizes)
    epochs = FEW_EPOCHS if few else EPOCHS
    fit_module = partial(_fit, classes=len(sizes), shrink=shrink, epochs=epochs)
    trainings = 1 + (FOLDS if len(sizes) > 1 and not few else 0)

    def of_training(number: int) -> Callable[[int], None] | None:
        if on_epoch is None:
            return None
        return lambda done: on_epoch(number * epochs + done, trainings * epochs)

    fitted = fit_module(x, labels, offsets, on_epoch=of_training(0))
    cosines = np.full((len(x), len(sizes)), np.nan, np.float32)
    scale = fitted.scale
    if len(sizes) > 1 and few:
        cosines[np.concatenate([folds_of(size) for size in sizes]) >= 0] = 0
    elif len(sizes) > 1:
        folds = np.concatenate([folds_of(size) for size in sizes])
        for fold in range(FOLDS):
            held_out = folds == fold
            if held_out.any():
                other = fit_module(
                    x[~held_out], labels[~held_out], offsets[~held_out], on_epoch=of_training(1 + fold)
                )
                module = Module("tosca", other.parameters, other.prototypes, other.scale)
                cosines[held_out] = module.cosines(x[held_out])
        known = folds >= 0
        if known.any():
            truth = labels[known, None] == np.arange(len(sizes))
            scale, _ = best_temperature(cosines[known], truth, offsets[known])
    return Module.rounded("tosca", fitted.parameters, fitted.prototypes, scale), cosines


def train_as_published(features: Sequence[Array], earlier: Sequence[Module]) -> tuple[Module, Array]:
    """Train the module of a task as the paper does.

    Source: arXiv 2502.14762, section 3.3, see `edge_tosca.tosca.training`.

    Args:
        features: of each class, float [n_c, d].
        earlier: modules of the earlier tasks. Their head rows take part in the softmax, and sigma starts at
            the last one's.

    Returns:
        The module, and evidence that is all NaN, float32 [n, k]: the paper's rule uses none.
    """
    # In the precision of the cache: when a class is forgotten, the module is trained again on cached
    # features.
    x = to_cache_dtype(np.concatenate(features)).astype(np.float32)
    labels = np.repeat(np.arange(len(features)), [len(rows) for rows in features])
    context = np.concatenate([module.prototypes for module in earlier]) if earlier else None
    training = Training(scale=earlier[-1].scale) if earlier else Training()
    fitted = fit(x, labels, len(features), training, context)
    module = Module.rounded("tosca", fitted.parameters, fitted.prototypes, fitted.scale)
    return module, np.full((len(x), len(features)), np.nan, np.float32)


def _fit(
    x: Array,
    labels: Array,
    offsets: Array,
    classes: int,
    shrink: float,
    epochs: int,
    on_epoch: Callable[[int], None] | None,
) -> Fitted:
    training = field_training(len(x), shrink, epochs)
    return fit(x, labels, classes, training, offsets=offsets, on_epoch=on_epoch)


def _discriminant_scores(normalized: Sequence[Array]) -> Array:
    """Compute held-out scores of the task's own discriminant: log-probabilities up to a constant, [n, k].

    Every picture is scored without its block; one that is alone in its class has zeros.
    """
    statistics = statistics_of(normalized)
    blocks = choose_blocks(statistics.counts, int(statistics.counts.sum()))
    scores = np.zeros((int(statistics.counts.sum()), len(normalized)), np.float32)
    if not blocks:
        return scores
    z = np.concatenate([normalized[block.group][block.rows] for block in blocks])
    within = statistics.within()
    counts, sums = statistics.counts, statistics.sums
    held_out = LeaveBlockOut.of(z, blocks, sums, counts, scores_dtype(counts, sums.shape[1]))
    choice = choose_shrinkage(within, held_out, range(len(normalized)))
    starts = np.cumsum(statistics.counts) - statistics.counts
    places = np.concatenate([starts[block.group] + block.rows for block in blocks])
    scores[places] = choice.temperature * choice.held_out.scores
    return scores
