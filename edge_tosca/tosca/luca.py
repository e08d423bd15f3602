"""LuCA, the Learn-and-Calibrate module: an adapter and a calibrator on one [CLS] feature.

Source of every formula: arXiv 2502.14762, section 3.2, and the released code where the paper is silent.

A module is a dictionary of arrays (see `parameter_shapes`); d is the width of a feature:

    adapter     MLP(x) = W2 gelu(W1 x + b1) + b2          W1 [d/m, d], W2 [d, d/m]
    calibrator  SE(z)  = sigmoid(V2 relu(V1 z))           V1 [d/s, d], V2 [d, d/s]
    norm        LN(z)  = gain * (z - mean) / sqrt(variance + 1e-5) + shift

    flow "tosca"       h = LN(x + MLP(x)),  out = h * SE(h)
    flow "tosca_r"     out = x * SE(x) + LN(MLP(x))
    flow "adapter"     out = LN(MLP(x))
    flow "calibrator"  out = x * SE(x)
"""

import math
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.errors import EdgeToscaError

Parameters = dict[str, Array]
Flow = Literal["tosca", "tosca_r", "adapter", "calibrator"]

FLOWS: tuple[Flow, ...] = get_args(Flow)
ADAPTER_REDUCTION = 16
CALIBRATOR_REDUCTION = 16
NORM_EPSILON = 1e-5

# NumPy has no erf; the standard library's is exact, and only the d/m hidden units need it.
_erf = np.frompyfunc(math.erf, 1, 1)


def parameter_shapes(
    d: int, flow: Flow = "tosca", m: int = ADAPTER_REDUCTION, s: int = CALIBRATOR_REDUCTION
) -> dict[str, tuple[int, ...]]:
    """List the parameters of a module, in the order in which they are drawn and stored.

    Args:
        d: width of the [CLS] feature.
        flow: which of the four flows.
        m: reduction of the adapter; its hidden width is d // m.
        s: reduction of the calibrator; its hidden width is d // s.

    Returns:
        Parameter name to shape. Flow "tosca" has d^2 (2/m + 2/s) + d/m + 3d parameters.

    Raises:
        EdgeToscaError: the flow is unknown, or d is smaller than a reduction.
    """
    if flow not in FLOWS:
        raise EdgeToscaError(f"LuCA flow {flow!r} is unknown; choose one of {', '.join(FLOWS)}")
    if d < max(m, s):
        raise EdgeToscaError(f"a feature of width {d} is too narrow for reductions {m} and {s}")
    shapes: dict[str, tuple[int, ...]] = {}
    if flow != "calibrator":
        shapes |= {
            "W1": (d // m, d),
            "b1": (d // m,),
            "W2": (d, d // m),
            "b2": (d,),
            "gain": (d,),
            "shift": (d,),
        }
    if flow != "adapter":
        shapes |= {"V1": (d // s, d), "V2": (d, d // s)}
    return shapes


def initial_parameters(
    d: int,
    rng: np.random.Generator,
    flow: Flow = "tosca",
    dtype: npt.DTypeLike = np.float32,
    factor: float = 1.0,
) -> Parameters:
    """Initialise a module: Xavier-uniform weights, zero biases, an identity norm.

    Args:
        d: width of the [CLS] feature.
        rng: source of the weights.
        flow: which of the four flows.
        dtype: float32 on a device, float64 for gradient checks.
        factor: on the bound of the weights.

    Returns:
        Parameters, as listed by `parameter_shapes`.
    """
    parameters: Parameters = {}
    for name, shape in parameter_shapes(d, flow).items():
        if len(shape) == 2:
            bound = factor * math.sqrt(6.0 / sum(shape))
            parameters[name] = rng.uniform(-bound, bound, shape).astype(dtype)
        else:
            parameters[name] = np.full(shape, 1.0 if name == "gain" else 0.0, dtype)
    return parameters


def forward(parameters: Parameters, x: Array, flow: Flow = "tosca") -> Array:
    """Apply a module to features.

    Args:
        parameters: a module.
        x: features, float [n, d].
        flow: the flow it was trained with.

    Returns:
        Module output, float [n, d], of x's dtype.
    """
    return forward_with_trace(parameters, x, flow)[0]


def forward_with_trace(parameters: Parameters, x: Array, flow: Flow) -> tuple[Array, dict[str, Array]]:
    """Apply a module, and keep the intermediate values for `backward`.

    Args:
        parameters: a module.
        x: features, float [n, d].
        flow: the flow.

    Returns:
        The output, float [n, d], and the intermediate values.
    """
    trace: dict[str, Array] = {"x": x}
    if flow == "calibrator":
        return _calibrate(parameters, x, trace), trace
    adapted = _adapt(parameters, x, trace)
    if flow == "adapter":
        return _normalise(parameters, adapted, trace), trace
    if flow == "tosca":
        return _calibrate(parameters, _normalise(parameters, x + adapted, trace), trace), trace
    return _calibrate(parameters, x, trace) + _normalise(parameters, adapted, trace), trace


def backward(parameters: Parameters, trace: dict[str, Array], grad: Array, flow: Flow) -> Parameters:
    """Compute the gradient of a scalar loss by every parameter from its gradient by the output.

    Args:
        parameters: the module that `forward_with_trace` was called with.
        trace: its intermediate values.
        grad: gradient by the output, float [n, d].
        flow: the flow.

    Returns:
        Gradients, named and shaped as the parameters.
    """
    grads: Parameters = {}
    if flow == "calibrator":
        _calibrate_backward(parameters, trace, grad, grads)
    elif flow == "adapter":
        _adapt_backward(parameters, trace, _normalise_backward(parameters, trace, grad, grads), grads)
    elif flow == "tosca":
        grad_h = _calibrate_backward(parameters, trace, grad, grads)
        _adapt_backward(parameters, trace, _normalise_backward(parameters, trace, grad_h, grads), grads)
    else:
        _calibrate_backward(parameters, trace, grad, grads)
        _adapt_backward(parameters, trace, _normalise_backward(parameters, trace, grad, grads), grads)
    return grads


def _adapt(p: Parameters, x: Array, trace: dict[str, Array]) -> Array:
    if len(p["W1"]) == 0:
        # A pruned module without hidden units: its output is constant.
        return np.broadcast_to(p["b2"], x.shape)
    before = x @ p["W1"].T + p["b1"]
    erf: Array = np.asarray(_erf(before * math.sqrt(0.5)), before.dtype)
    cdf = 0.5 * (1.0 + erf)
    trace["before"], trace["cdf"], trace["gelu"] = before, cdf, before * cdf
    adapted: Array = trace["gelu"] @ p["W2"].T + p["b2"]
    return adapted


def _adapt_backward(p: Parameters, trace: dict[str, Array], grad: Array, grads: Parameters) -> None:
    before = trace["before"]
    density = np.exp(-0.5 * before * before) * (1.0 / math.sqrt(2.0 * math.pi))
    grad_before = (grad @ p["W2"]) * (trace["cdf"] + before * density)
    grads["W2"], grads["b2"] = grad.T @ trace["gelu"], grad.sum(axis=0)
    grads["W1"], grads["b1"] = grad_before.T @ trace["x"], grad_before.sum(axis=0)


def _normalise(p: Parameters, z: Array, trace: dict[str, Array]) -> Array:
    centred = z - z.mean(axis=1, keepdims=True)
    trace["scale"] = 1.0 / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + NORM_EPSILON)
    trace["unit"] = centred * trace["scale"]
    normalised: Array = trace["unit"] * p["gain"] + p["shift"]
    return normalised


def _normalise_backward(p: Parameters, trace: dict[str, Array], grad: Array, grads: Parameters) -> Array:
    unit = trace["unit"]
    grads["gain"], grads["shift"] = (grad * unit).sum(axis=0), grad.sum(axis=0)
    g = grad * p["gain"]
    centred = g - g.mean(axis=1, keepdims=True) - unit * (g * unit).mean(axis=1, keepdims=True)
    result: Array = trace["scale"] * centred
    return result


def _calibrate(p: Parameters, z: Array, trace: dict[str, Array]) -> Array:
    if len(p["V1"]) == 0:
        halved: Array = 0.5 * z
        return halved
    squeezed = np.maximum(z @ p["V1"].T, 0.0)
    # Beyond 80 the gate is 0 or 1 to the last bit, and float32's exponential would overflow at 89.
    gate: Array = 1.0 / (1.0 + np.exp(-np.clip(squeezed @ p["V2"].T, -80, 80)))
    trace["z"], trace["squeezed"], trace["gate"] = z, squeezed, gate
    calibrated: Array = z * gate
    return calibrated


def _calibrate_backward(p: Parameters, trace: dict[str, Array], grad: Array, grads: Parameters) -> Array:
    z, squeezed, gate = trace["z"], trace["squeezed"], trace["gate"]
    grad_logit = grad * z * gate * (1.0 - gate)
    grads["V2"] = grad_logit.T @ squeezed
    grad_squeezed = (grad_logit @ p["V2"]) * (squeezed > 0)
    grads["V1"] = grad_squeezed.T @ z
    grad_z: Array = grad * gate + grad_squeezed @ p["V1"]
    return grad_z
