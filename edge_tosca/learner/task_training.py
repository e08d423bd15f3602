"""Make a task's module, and learn how far its opinion can be trusted, from the task's own pictures alone.

Nothing of other tasks enters, so a module is the same whatever was learned before or is forgotten later.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

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
"""Forty times the paper's: a task in the field has tens of pictures, and few steps to learn in."""

SCALE = 16.0
"""Sigma at the start. From the paper's 1 the logits stay near -1 .. 1 in so few steps, and teach little."""

INITIAL = 0.1
"""Factor on the initial weights. At the paper's size an L1 penalty that removes what was not learned also
removes what little a small task teaches, and modules end up empty."""

SHRINK = 0.002
"""How far the L1 penalty moves a parameter towards zero over a training, by the square root of its steps.
What the noise of gradients adds to a weight grows like a random walk, with that root; what remains was
learned. It is beyond the initial weights (0.0066 for d = 1280) from 11 steps on."""


def field_training(pictures: int, shrink: float = SHRINK) -> Training:
    """Give the settings for a task in the field.

    Args:
        pictures: number of its pictures.
        shrink: strength of the L1 penalty, see SHRINK.

    Returns:
        Settings with an L1 penalty that fits the number of steps.
    """
    plain = Training(learning_rate=LEARNING_RATE, scale=SCALE, head="trained", initial=INITIAL)
    steps = math.ceil(pictures / plain.batch) * plain.epochs
    # The mean of the half cosine over the epochs is (epochs + 1) / (2 epochs).
    travelled = plain.learning_rate * steps * (plain.epochs + 1) / (2 * plain.epochs)
    return replace(plain, l1=shrink * math.sqrt(steps) / travelled)


def train_task_module(
    features: Sequence[Array], *, shrink: float = SHRINK, head_start: bool = True
) -> tuple[Module, Array]:
    """Fit the module of a task to what the task's own discriminant gets wrong, and cross-fit its evidence.

    The discriminant's scores of a picture, made without the picture's block, are offsets of the logits. So
    the module adds to a linear answer instead of repeating it.

    Args:
        features: of each class, [n_c, d].
        shrink: strength of the L1 penalty, see SHRINK.
        head_start: add the discriminant's scores; without them the module learns the task by itself.

    Returns:
        The module, and the cosines [n, k] that modules fitted without a picture's block gave it, rows by
        class and picture; NaN for a picture that is alone in its class. A module of one class has no
        opinion: its cosines are all NaN.
    """
    conditioned = [normalize(rows) for rows in features]
    sizes = [len(rows) for rows in conditioned]
    labels = np.repeat(np.arange(len(sizes)), sizes)
    offsets = np.zeros((len(labels), len(sizes)), np.float32)
    if head_start and len(sizes) > 1:
        offsets = _own_scores(conditioned)
    # After the scores, whose matrices are the largest of a lesson of very many pictures.
    x = module_input(np.concatenate(conditioned))
    del conditioned
    fitted = _fit(x, labels, offsets, len(sizes), shrink)
    cosines = np.full((len(x), len(sizes)), np.nan, np.float32)
    scale = fitted.scale
    if len(sizes) > 1:
        folds = np.concatenate([folds_of(size) for size in sizes])
        for fold in range(FOLDS):
            held = folds == fold
            if held.any():
                partial = _fit(x[~held], labels[~held], offsets[~held], len(sizes), shrink)
                module = Module("tosca", partial.parameters, partial.prototypes, partial.scale)
                cosines[held] = module.cosines(x[held])
        known = folds >= 0
        if known.any():
            truth = labels[known, None] == np.arange(len(sizes))
            scale, _ = best_temperature(cosines[known], truth, offsets[known])
    return Module.rounded("tosca", fitted.parameters, fitted.prototypes, scale), cosines


def train_as_published(features: Sequence[Array], earlier: Sequence[Module]) -> tuple[Module, Array]:
    """Fit the module of a task in the paper's way.

    Args:
        features: of each class, [n_c, d].
        earlier: modules of the tasks before. Their head rows take part in the softmax, and the head's sigma
            goes on from the last one's.

    Returns:
        The module, and cosines that are all NaN: the paper asks for no evidence.
    """
    # As they are cached: when a class is forgotten the module is made anew from the others' cached features.
    x = to_cache_dtype(np.concatenate(features)).astype(np.float32)
    labels = np.repeat(np.arange(len(features)), [len(rows) for rows in features])
    context = np.concatenate([module.prototypes for module in earlier]) if earlier else None
    training = Training(scale=earlier[-1].scale) if earlier else Training()
    fitted = fit(x, labels, len(features), training, context)
    module = Module.rounded("tosca", fitted.parameters, fitted.prototypes, fitted.scale)
    return module, np.full((len(x), len(features)), np.nan, np.float32)


def _fit(x: Array, labels: Array, offsets: Array, classes: int, shrink: float) -> Fitted:
    return fit(x, labels, classes, field_training(len(x), shrink), offsets=offsets)


def _own_scores(conditioned: Sequence[Array]) -> Array:
    """Log-probabilities of the task's own discriminant, up to a constant a picture, [n, k].

    Every picture is scored without its block; one that is alone in its class gets no head start.
    """
    statistics = statistics_of(conditioned)
    blocks = choose_blocks(statistics.counts, int(statistics.counts.sum()))
    scores = np.zeros((int(statistics.counts.sum()), len(conditioned)), np.float32)
    if not blocks:
        return scores
    z = np.concatenate([conditioned[block.group][block.rows] for block in blocks])
    within = statistics.within()
    counts, sums = statistics.counts, statistics.sums
    left_out = LeaveBlockOut.of(z, blocks, sums, counts, scores_dtype(counts, sums.shape[1]))
    choice = choose_shrinkage(within, left_out, range(len(conditioned)))
    starts = np.cumsum(statistics.counts) - statistics.counts
    places = np.concatenate([starts[block.group] + block.rows for block in blocks])
    scores[places] = choice.temperature * choice.judged.scores
    return scores
