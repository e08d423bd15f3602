import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edge_tosca.errors import EdgeToscaError
from edge_tosca.tosca import torch_training
from edge_tosca.tosca.luca import (
    FLOWS,
    backward,
    forward,
    forward_with_trace,
    initial_parameters,
    parameter_shapes,
)

# The tests' arrays are small: a second thread costs more than it gives.
torch.set_num_threads(1)

D = 32


def random_parameters(flow, d=D, seed=3):
    """Parameters with no special value: biases, gain and shift are moved away from 0 and 1."""
    rng = np.random.default_rng(seed)
    drawn = initial_parameters(d, rng, flow, np.float64)
    return {name: value + 0.3 * rng.normal(size=value.shape) for name, value in drawn.items()}


def size(shapes):
    return sum(int(np.prod(shape)) for shape in shapes.values())


@pytest.mark.parametrize("flow", FLOWS)
def test_hand_derived_gradients_equal_central_finite_differences(flow):
    rng = np.random.default_rng(0)
    parameters, x, towards = random_parameters(flow), rng.normal(size=(5, D)), rng.normal(size=(5, D))
    grads = backward(parameters, forward_with_trace(parameters, x, flow)[1], towards, flow)
    assert grads.keys() == parameters.keys()

    def loss():
        return float(np.sum(forward(parameters, x, flow) * towards))

    # A central difference with step h errs by h^2 (1e-12) and by rounding over h (1e-16 * 30 / 1e-6); both
    # stay below 1e-7 of gradients of size 1. No ReLU has its kink within the step with these draws.
    step = 1e-6
    for name, value in parameters.items():
        numeric = np.empty_like(value)
        for place in np.ndindex(value.shape):
            kept = value[place]
            value[place] = kept + step
            above = loss()
            value[place] = kept - step
            numeric[place] = (above - loss()) / (2 * step)
            value[place] = kept
        np.testing.assert_allclose(grads[name], numeric, rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("flow", FLOWS)
def test_gradients_equal_autograd(flow):
    rng = np.random.default_rng(1)
    parameters, x, towards = random_parameters(flow), rng.normal(size=(7, D)), rng.normal(size=(7, D))
    grads = backward(parameters, forward_with_trace(parameters, x, flow)[1], towards, flow)
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in parameters.items()}
    (torch_training.forward(leaves, torch.tensor(x), flow) * torch.tensor(towards)).sum().backward()
    # Both are exact up to float64 rounding of sums over 32 terms.
    for name, leaf in leaves.items():
        np.testing.assert_allclose(grads[name], leaf.grad.numpy(), rtol=1e-11, atol=1e-12, err_msg=name)


def layers(parameters):
    """The module assembled from torch.nn's own layers, as the paper's figure draws it."""

    def linear(weight, bias=None):
        layer = nn.Linear(*parameters[weight].shape[::-1], bias=bias is not None, dtype=torch.float64)
        layer.weight.data = torch.tensor(parameters[weight])
        if bias is not None:
            layer.bias.data = torch.tensor(parameters[bias])
        return layer

    adapter = norm = gate = None
    if "W1" in parameters:
        adapter = nn.Sequential(linear("W1", "b1"), nn.GELU(approximate="none"), linear("W2", "b2"))
        norm = nn.LayerNorm(D, eps=1e-5, dtype=torch.float64)
        norm.weight.data, norm.bias.data = torch.tensor(parameters["gain"]), torch.tensor(parameters["shift"])
    if "V1" in parameters:
        gate = nn.Sequential(linear("V1"), nn.ReLU(), linear("V2"), nn.Sigmoid())
    return adapter, norm, gate


@pytest.mark.parametrize("flow", FLOWS)
def test_forward_equals_torch_layers(flow):
    parameters = random_parameters(flow)
    x = np.random.default_rng(2).normal(size=(9, D))
    adapter, norm, gate = layers(parameters)
    given_x = torch.tensor(x)
    with torch.no_grad():
        if flow == "tosca":
            h = norm(given_x + adapter(given_x))
            expected = h * gate(h)
        elif flow == "tosca_r":
            expected = given_x * gate(given_x) + norm(adapter(given_x))
        elif flow == "adapter":
            expected = norm(adapter(given_x))
        else:
            expected = given_x * gate(given_x)
    # float64 rounding of sums over 32 terms of size 1.
    np.testing.assert_allclose(forward(parameters, x, flow), expected.numpy(), rtol=1e-11, atol=1e-12)


def test_a_feature_of_768_gives_149808_parameters():
    assert size(parameter_shapes(768)) == 149_808


@given(width=st.integers(1, 128), m=st.sampled_from([1, 2, 4, 8, 16]), s=st.sampled_from([1, 2, 4, 8, 16]))
def test_parameter_count_follows_the_papers_formula(width, m, s):
    d = 16 * width
    count = size(parameter_shapes(d, "tosca", m, s))
    assert count * m * s == d * d * (2 * s + 2 * m) + d * s + 3 * d * m * s
    assert size(parameter_shapes(d, "tosca_r", m, s)) == count
    parts = size(parameter_shapes(d, "adapter", m, s)) + size(parameter_shapes(d, "calibrator", m, s))
    assert parts == count


@pytest.mark.parametrize("flow", FLOWS)
def test_initial_weights_are_xavier_uniform_and_the_norm_is_the_identity(flow):
    for name, value in initial_parameters(256, np.random.default_rng(0), flow).items():
        assert value.dtype == np.float32
        if value.ndim == 1:
            assert (value == (1 if name == "gain" else 0)).all()
        else:
            bound = np.sqrt(6 / sum(value.shape))
            assert np.abs(value).max() <= bound
            # 4,096 uniform draws: their deviation is known to 1 % (one standard error), 5 % is five.
            assert value.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


@pytest.mark.parametrize("flow", FLOWS)
def test_each_picture_is_answered_on_its_own(flow):
    parameters = random_parameters(flow)
    x = np.random.default_rng(4).normal(size=(6, D))
    alone = np.concatenate([forward(parameters, row[None], flow) for row in x])
    # A matrix product may sum in another order than a vector's: float64 rounding.
    np.testing.assert_allclose(forward(parameters, x, flow), alone, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_output_has_the_features_type(flow, dtype):
    parameters = initial_parameters(D, np.random.default_rng(0), flow, dtype)
    output, trace = forward_with_trace(parameters, np.ones((2, D), dtype), flow)
    assert output.dtype == dtype
    assert {value.dtype for value in backward(parameters, trace, output, flow).values()} == {np.dtype(dtype)}


def test_an_unknown_flow_is_named_with_the_known_ones():
    with pytest.raises(EdgeToscaError, match=r"'sideways'.*tosca, tosca_r, adapter, calibrator"):
        parameter_shapes(768, "sideways")


def test_a_feature_narrower_than_the_reduction_is_refused():
    with pytest.raises(EdgeToscaError, match="width 15"):
        parameter_shapes(15)
