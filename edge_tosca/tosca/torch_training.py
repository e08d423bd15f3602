"""Train a LuCA module with torch: a reference for tests and workstations, which no product path imports.

It checks the hand-derived gradients of `edge_tosca.tosca.training` by autograd, and is faster on a GPU.
Settings, initial weights and batches come from there; the forward pass and the steps are torch's.
"""

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError, MissingExtraError
from edge_tosca.tosca.luca import NORM_EPSILON, Flow
from edge_tosca.tosca.training import Fitted, Training, batches, class_means, starting_point

try:
    import torch
    from torch.nn import functional
except ImportError as error:
    raise MissingExtraError("torch", "torch") from error

Tensors = dict[str, torch.Tensor]


def forward(parameters: Tensors, x: torch.Tensor, flow: Flow = "tosca") -> torch.Tensor:
    """Apply a module to features; formulae: `edge_tosca.tosca.luca`.

    Args:
        parameters: a module, named and shaped as `edge_tosca.tosca.luca.parameter_shapes` lists them.
        x: features, float [n, d].
        flow: the flow it was trained with.

    Returns:
        Module output, float [n, d].
    """
    if flow == "calibrator":
        return _calibrate(parameters, x)
    adapted = _adapt(parameters, x)
    if flow == "adapter":
        return _normalise(parameters, adapted)
    if flow == "tosca":
        return _calibrate(parameters, _normalise(parameters, x + adapted))
    return _calibrate(parameters, x) + _normalise(parameters, adapted)


def fit(
    features: Array,
    labels: Array,
    classes: int,
    training: Training | None = None,
    context: Array | None = None,
    offsets: Array | None = None,
    dtype: npt.DTypeLike = np.float32,
    device: str = "cpu",
) -> Fitted:
    """Train one module on the cached features of one task, as `edge_tosca.tosca.training.fit` does.

    Args:
        features: float [n, d].
        labels: int [n] in 0 .. classes - 1.
        classes: number of classes of the task.
        training: settings; the paper's by default.
        context: head rows of the classes of earlier tasks, float [c, d]; they are not trained.
        offsets: added to the logits, float [n, classes].
        dtype: float32, or float64 for checks.
        device: that torch computes on, such as "cpu" or "cuda".

    Returns:
        The module, as NumPy arrays.

    Raises:
        LearnError: no feature, a class without one, or a loss that is no longer finite.
    """
    training = training or Training()
    start, start_rows = starting_point(features.astype(dtype), labels, classes, training, dtype)
    x = torch.tensor(features.astype(dtype), device=device)
    truth = torch.tensor(labels.astype(np.int64), device=device)
    fixed = x[:0] if context is None else torch.tensor(context.astype(dtype), device=device)
    given = (
        torch.zeros(len(x), 1, device=device)
        if offsets is None
        else torch.tensor(offsets.astype(dtype), device=device)
    )
    module = {name: _trainable(value, device) for name, value in start.items()}
    rows, scale = _trainable(start_rows, device), _trainable(np.full(1, training.scale, dtype), device)
    optimizer = torch.optim.SGD([*module.values(), rows, scale], training.learning_rate, training.momentum)
    sums = np.zeros(training.epochs)
    for epoch, rate, order in batches(len(x), training):
        index = torch.from_numpy(order).to(device)
        # As in NumPy: an all-zero feature has no direction, so nothing is learned from it.
        output = forward(module, x[index], training.flow) * x[index].any(dim=1, keepdim=True)
        cosine = functional.normalize(output) @ functional.normalize(torch.cat([rows, fixed])).T
        loss = functional.cross_entropy(scale * cosine + given[index], truth[index])
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        sums[epoch] += loss.item() * len(index)
        with torch.no_grad():
            for value in module.values():
                value.copy_(functional.softshrink(value, rate * training.l1))
    if not np.isfinite(sums).all():
        raise LearnError("training diverged: the loss is not finite; use a smaller learning rate")
    head: Array = rows.detach().cpu().numpy()
    if training.head == "means":
        with torch.no_grad():
            head = class_means(forward(module, x, training.flow).cpu().numpy(), labels, classes)
    parameters = {name: value.detach().cpu().numpy() for name, value in module.items()}
    return Fitted(parameters, head, scale.item(), tuple(sums / len(x)))


def _trainable(value: Array, device: str) -> torch.Tensor:
    return torch.tensor(value, device=device, requires_grad=True)


def _adapt(p: Tensors, x: torch.Tensor) -> torch.Tensor:
    return functional.linear(functional.gelu(functional.linear(x, p["W1"], p["b1"])), p["W2"], p["b2"])


def _normalise(p: Tensors, z: torch.Tensor) -> torch.Tensor:
    return functional.layer_norm(z, z.shape[1:], p["gain"], p["shift"], NORM_EPSILON)


def _calibrate(p: Tensors, z: torch.Tensor) -> torch.Tensor:
    return z * torch.sigmoid(functional.linear(functional.relu(functional.linear(z, p["V1"])), p["V2"]))
