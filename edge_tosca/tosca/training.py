"""Train one LuCA module on one task: momentum SGD, a cosine head and a proximal L1 step, in NumPy.

    loss = mean over pictures of -log softmax(sigma cos(LuCA(x), rows) + offsets)[label] + l1 sum |parameters|

Source of the loss and the defaults: arXiv 2502.14762, section 3.3, and the released code. Two points differ
on purpose. The L1 term acts by soft thresholding (proximal gradient; Parikh and Boyd, "Proximal Algorithms",
2014, section 4.2), so that zeros are exact and a module is stored sparse. New head rows start at the class
means of x instead of at zero, where the first step would fix them in an arbitrary direction.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError
from edge_tosca.tosca.luca import Flow, Parameters, backward, forward, forward_with_trace, initial_parameters

_TINY = 1e-12


@dataclass(frozen=True)
class Training:
    """Settings of the training; the defaults are the paper's.

    Attributes:
        flow: which LuCA flow.
        epochs: passes over the task's features.
        batch: features in a step.
        learning_rate: of the first epoch; it falls along a half cosine over the epochs.
        momentum: of SGD, without dampening.
        l1: weight of the sum of the parameters' absolute values.
        seed: of the initial weights and of the order of the features.
        scale: initial sigma.
        head: "means" replaces the head rows by the class means of the trained module's outputs, as in the
            paper; "trained" keeps the rows that were trained with the module.
        initial: factor on the Xavier-uniform initial weights.
    """

    flow: Flow = "tosca"
    epochs: int = 20
    batch: int = 48
    learning_rate: float = 0.025
    momentum: float = 0.9
    l1: float = 5e-4
    seed: int = 0
    scale: float = 1.0
    head: Literal["means", "trained"] = "means"
    initial: float = 1.0


@dataclass(frozen=True)
class Fitted:
    """One trained module.

    Attributes:
        parameters: of the LuCA module.
        prototypes: head rows, float [k, d].
        scale: the learned sigma of logits = sigma * cos(output, prototype).
        losses: mean cross-entropy of each epoch.
    """

    parameters: Parameters
    prototypes: Array
    scale: float
    losses: tuple[float, ...]


def class_means(values: Array, labels: Array, classes: int) -> Array:
    """Average the rows of each class.

    Args:
        values: float [n, d].
        labels: int [n] in 0 .. classes - 1, every class at least once.
        classes: number of classes.

    Returns:
        float [classes, d].
    """
    onehot = (labels[None, :] == np.arange(classes)[:, None]).astype(values.dtype)
    means: Array = (onehot @ values) / onehot.sum(axis=1, keepdims=True)
    return means


def batches(n: int, training: Training) -> Iterator[tuple[int, float, Array]]:
    """Yield (epoch, learning rate, indices) of every step, equal for NumPy and torch.

    Args:
        n: number of features.
        training: epochs, batch, learning rate and seed.

    Yields:
        One item for each step.
    """
    rng = np.random.default_rng((training.seed, 1))
    for epoch in range(training.epochs):
        rate = training.learning_rate * 0.5 * (1.0 + math.cos(math.pi * epoch / training.epochs))
        order = rng.permutation(n)
        for start in range(0, n, training.batch):
            yield epoch, rate, order[start : start + training.batch]


def starting_point(
    features: Array, labels: Array, classes: int, training: Training, dtype: npt.DTypeLike
) -> tuple[Parameters, Array]:
    """Initialise the module and its head rows, equally for NumPy and torch.

    Args:
        features: float [n, d].
        labels: int [n].
        classes: number of classes of the task.
        training: flow and seed.
        dtype: of the result.

    Returns:
        Parameters, and head rows: the class means of the features, [classes, d].

    Raises:
        LearnError: no feature, or a class without one.
    """
    if len(features) == 0 or np.bincount(labels, minlength=classes).min() == 0:
        raise LearnError("a task needs at least one feature for each of its classes")
    rng = np.random.default_rng((training.seed, 0))
    parameters = initial_parameters(features.shape[1], rng, training.flow, dtype, training.initial)
    return parameters, class_means(features.astype(dtype), labels, classes)


def fit(
    features: Array,
    labels: Array,
    classes: int,
    training: Training | None = None,
    context: Array | None = None,
    offsets: Array | None = None,
    dtype: npt.DTypeLike = np.float32,
    on_epoch: Callable[[int], None] | None = None,
) -> Fitted:
    """Train one module on the cached features of one task.

    Args:
        features: float [n, d].
        labels: int [n] in 0 .. classes - 1.
        classes: number of classes of the task.
        training: settings; the paper's by default.
        context: head rows of the classes of earlier tasks, float [c, d]. They are part of the softmax, as in
            the paper, and are not trained. Without them the module depends on its own task alone.
        offsets: scores of another classifier, added to the logits, float [n, classes]; the module then learns
            to correct that classifier. Not together with context.
        dtype: float32 on a device, float64 for checks.
        on_epoch: called at every step with the number of epochs done.

    Returns:
        The module.

    Raises:
        LearnError: no feature, a class without one, or a loss that is no longer finite.
    """
    training = training or Training()
    x = features.astype(dtype)
    parameters, rows = starting_point(x, labels, classes, training, dtype)
    trained = {**parameters, "rows": rows, "scale": np.full(1, training.scale, dtype)}
    fixed = None if context is None else context.astype(dtype)
    velocity = {name: np.zeros_like(value) for name, value in trained.items()}
    sums = np.zeros(training.epochs)
    for epoch, rate, index in batches(len(x), training):
        if on_epoch is not None:
            on_epoch(epoch)
        given = None if offsets is None else offsets[index].astype(dtype)
        loss, grads = loss_and_gradients(trained, x[index], labels[index], training.flow, fixed, given)
        sums[epoch] += loss * len(index)
        for name, value in trained.items():
            velocity[name] *= training.momentum
            velocity[name] += grads[name]
            value -= velocity[name].dtype.type(rate) * velocity[name]
            if name in parameters:
                soft_threshold(value, rate * training.l1)
    if not np.isfinite(sums).all():
        raise LearnError("training diverged: the loss is not finite; use a smaller learning rate")
    if training.head == "means":
        rows = class_means(forward(parameters, x, training.flow), labels, classes)
    return Fitted(parameters, rows, float(trained["scale"][0]), tuple(sums / len(x)))


def loss_and_gradients(
    trained: Parameters,
    x: Array,
    labels: Array,
    flow: Flow,
    context: Array | None = None,
    offsets: Array | None = None,
) -> tuple[float, Parameters]:
    """Compute the mean cross-entropy of a cosine head on a module's output, and its gradients.

    Args:
        trained: the module's parameters with "rows" [k, d] and "scale" [1] of the head.
        x: features, float [n, d].
        labels: int [n], indices of rows.
        flow: the module's flow.
        context: further head rows that are not trained, [c, d].
        offsets: added to the logits, [n, k + c].

    Returns:
        The loss without the L1 term, which the proximal step handles, and a gradient for each array in
        `trained`.
    """
    output, trace = forward_with_trace(trained, x, flow)
    # An all-zero feature has no direction: its cosine is 0, and its gradient would divide by zero.
    directed = x.any(axis=1, keepdims=True)
    output = output * directed
    rows = trained["rows"] if context is None else np.concatenate([trained["rows"], context])
    output_norm = np.linalg.norm(output, axis=1, keepdims=True) + _TINY
    row_norm = np.linalg.norm(rows, axis=1, keepdims=True) + _TINY
    unit, unit_rows = output / output_norm, rows / row_norm
    cosine = unit @ unit_rows.T
    logits = trained["scale"] * cosine if offsets is None else trained["scale"] * cosine + offsets
    logits -= logits.max(axis=1, keepdims=True)
    probability = np.exp(logits)
    probability /= probability.sum(axis=1, keepdims=True)
    every = np.arange(len(x))
    loss = -float(np.mean(np.log(probability[every, labels] + _TINY)))

    grad_logits = probability
    grad_logits[every, labels] -= 1.0
    grad_logits /= len(x)
    grad_cosine = trained["scale"] * grad_logits
    weighted = grad_cosine * cosine
    grad_output = (grad_cosine @ unit_rows - unit * weighted.sum(axis=1, keepdims=True)) / output_norm
    grad_rows = (grad_cosine.T @ unit - unit_rows * weighted.sum(axis=0)[:, None]) / row_norm
    grads = backward(trained, trace, grad_output * directed, flow)
    grads["rows"] = grad_rows[: len(trained["rows"])]
    grads["scale"] = np.sum(grad_logits * cosine, keepdims=True).reshape(1)
    return loss, grads


def soft_threshold(values: Array, amount: float) -> None:
    """Move every value towards zero by an amount, but not beyond it, in place.

    It is the proximal operator of amount * sum |p|.

    Args:
        values: any array.
        amount: not negative.
    """
    shrink = values.dtype.type(amount)
    np.subtract(values, np.clip(values, -shrink, shrink), out=values)
