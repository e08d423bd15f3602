import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.errors import LearnError
from edge_tosca.tosca import torch_training, training
from edge_tosca.tosca.luca import FLOWS, forward, initial_parameters
from edge_tosca.tosca.training import (
    Training,
    batches,
    class_means,
    loss_and_gradients,
    soft_threshold,
    starting_point,
)

# The tests' arrays are small: a second thread costs more than it gives.
torch.set_num_threads(1)

# Measured in float64: 4e-13 on values, by rounding, and 9e-12 on losses, by the 1e-12 that NumPy's logarithm
# is kept from zero with. In float32: 5e-7 on outputs of size 3, which is 20 epochs of rounding.
TOLERANCE = {"float64": 2e-11, "float32": 5e-6}


def bytes_of(fitted):
    parameters = b"".join(value.tobytes() for value in fitted.parameters.values())
    return parameters, fitted.prototypes.tobytes(), fitted.scale, fitted.losses


def zeros(fitted):
    return sum(int((value == 0).sum()) for value in fitted.parameters.values())


def assert_same(ours, theirs, tolerance):
    assert ours.parameters.keys() == theirs.parameters.keys()
    for name, value in ours.parameters.items():
        assert value.dtype == theirs.parameters[name].dtype
        np.testing.assert_allclose(value, theirs.parameters[name], rtol=0, atol=tolerance, err_msg=name)
    np.testing.assert_allclose(ours.prototypes, theirs.prototypes, rtol=0, atol=tolerance)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=0, atol=tolerance)
    assert ours.scale == pytest.approx(theirs.scale, rel=0, abs=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("flow", FLOWS)
def test_numpy_and_torch_agree_after_one_step(make_task, flow, dtype):
    x, labels = make_task()
    one = Training(flow=flow, epochs=1, batch=len(x))
    ours, theirs = (twin.fit(x, labels, 4, one, dtype=dtype) for twin in (training, torch_training))
    assert_same(ours, theirs, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("flow", FLOWS)
def test_numpy_and_torch_agree_after_full_training(make_task, flow, dtype):
    x, labels = make_task(classes=5, shots=12)
    chosen = Training(flow=flow, seed=7)
    ours, theirs = (twin.fit(x, labels, 5, chosen, dtype=dtype) for twin in (training, torch_training))
    assert len(ours.losses) == 20
    assert_same(ours, theirs, TOLERANCE[dtype])


def test_numpy_and_torch_agree_when_earlier_classes_take_part(make_task):
    x, labels = make_task()
    context = np.random.default_rng(1).normal(size=(6, 64))
    ours, theirs = (
        twin.fit(x, labels, 4, context=context, dtype="float64") for twin in (training, torch_training)
    )
    assert_same(ours, theirs, TOLERANCE["float64"])
    assert ours.losses[0] > training.fit(x, labels, 4, dtype="float64").losses[0]


@pytest.mark.parametrize("flow", FLOWS)
def test_gradients_of_the_loss_equal_central_finite_differences(make_task, flow):
    x, labels = make_task(classes=3, shots=3, d=16)
    x = x.astype(np.float64)
    rng = np.random.default_rng(5)
    trained = initial_parameters(16, rng, flow, np.float64)
    trained |= {"rows": rng.normal(size=(3, 16)), "scale": np.array([2.5])}
    context = rng.normal(size=(2, 16))
    grads = loss_and_gradients(trained, x, labels, flow, context)[1]
    # The step errs by its square times the third derivative (measured below 3e-9), the difference by
    # rounding over the step (4e-16 / 1e-6).
    step = 1e-6
    for name, value in trained.items():
        numeric = np.empty_like(value)
        for place in np.ndindex(value.shape):
            kept = value[place]
            losses = []
            for moved in (kept + step, kept - step):
                value[place] = moved
                losses.append(loss_and_gradients(trained, x, labels, flow, context)[0])
            numeric[place] = (losses[0] - losses[1]) / (2 * step)
            value[place] = kept
        np.testing.assert_allclose(grads[name], numeric, rtol=1e-6, atol=1e-8, err_msg=name)


def test_one_step_is_momentum_sgd_then_the_proximal_step(make_task):
    x, labels = make_task()
    chosen = Training(epochs=1, batch=len(x), l1=0.01)
    parameters, rows = starting_point(x, labels, 4, chosen, np.float64)
    trained = {**parameters, "rows": rows, "scale": np.ones(1)}
    grads = loss_and_gradients(trained, x.astype(np.float64), labels, "tosca")[1]
    fitted = training.fit(x, labels, 4, chosen, dtype=np.float64)
    for name, value in parameters.items():
        moved = value - 0.025 * grads[name]
        expected = np.sign(moved) * np.maximum(np.abs(moved) - 0.025 * 0.01, 0)
        # The order of the batch changes the order of sums: float64 rounding.
        np.testing.assert_allclose(fitted.parameters[name], expected, rtol=0, atol=1e-14, err_msg=name)
    assert fitted.scale == pytest.approx(1 - 0.025 * grads["scale"][0], abs=1e-14)


def test_the_defaults_are_the_papers():
    assert asdict(Training()) == {
        "flow": "tosca",
        "epochs": 20,
        "batch": 48,
        "learning_rate": 0.025,
        "momentum": 0.9,
        "l1": 5e-4,
        "seed": 0,
        "scale": 1.0,
        "head": "means",
        "initial": 1.0,
    }


def test_the_learning_rate_falls_along_a_half_cosine_once_an_epoch():
    steps = list(batches(100, Training(epochs=4, batch=48, learning_rate=2.0)))
    assert [epoch for epoch, _, _ in steps] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    expected = [2.0, 1 + math.sqrt(0.5), 1.0, 1 - math.sqrt(0.5)]
    assert [rate for _, rate, _ in steps[::3]] == pytest.approx(expected, abs=1e-15)
    assert [len(index) for _, _, index in steps[:3]] == [48, 48, 4]


@given(n=st.integers(1, 200), batch=st.integers(1, 64), seed=st.integers(0, 2**32))
def test_every_epoch_visits_every_picture_once(n, batch, seed):
    visited = {}
    for epoch, _, index in batches(n, Training(epochs=2, batch=batch, seed=seed)):
        visited.setdefault(epoch, []).extend(index)
    assert all(sorted(places) == list(range(n)) for places in visited.values())


@given(
    values=st.lists(st.floats(-2, 2), min_size=1, max_size=20),
    amount=st.floats(0, 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_soft_threshold_is_the_proximal_operator_of_l1(values, amount, dtype):
    before = np.array(values, dtype)
    after = before.copy()
    soft_threshold(after, amount)
    amount = float(dtype(amount))
    assert after.dtype == dtype
    assert (after[np.abs(before) <= amount] == 0).all()

    def objective(p, v):
        return 0.5 * (p - v) ** 2 + amount * np.abs(p)

    # Brute force: no point of a fine grid, and not the origin, does better; one rounding is allowed.
    grid = np.append(np.linspace(-2, 2, 4001), 0.0)
    for v, p in zip(before.astype(np.float64), after.astype(np.float64), strict=True):
        assert objective(p, v) <= objective(grid, v).min() + 1e-6 * (dtype is np.float32) + 1e-15


def test_a_larger_l1_gives_more_exact_zeros(make_task):
    x, labels = make_task()
    counts = [zeros(training.fit(x, labels, 4, Training(l1=l1))) for l1 in (0.0, 0.02, 0.1, 1.0)]
    assert counts == sorted(set(counts))
    assert counts[-1] > 0.5 * 1220


def test_the_same_inputs_give_identical_bytes(make_task):
    x, labels = make_task()
    assert bytes_of(training.fit(x, labels, 4)) == bytes_of(training.fit(x.copy(), labels.copy(), 4))


def test_another_seed_gives_another_module(make_task):
    x, labels = make_task()
    assert bytes_of(training.fit(x, labels, 4)) != bytes_of(training.fit(x, labels, 4, Training(seed=1)))


def test_training_leaves_its_inputs_as_they_were(make_task):
    x, labels = make_task()
    context = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)
    kept = [value.copy() for value in (x, labels, context)]
    for twin in (training, torch_training):
        twin.fit(x, labels, 4, context=context)
    assert all((now == before).all() for now, before in zip((x, labels, context), kept, strict=True))


def test_training_lowers_the_loss_and_separates_the_classes(make_task):
    x, labels = make_task(shots=24)
    fitted = training.fit(x, labels, 4)
    assert fitted.losses[-1] < 0.7 * fitted.losses[0]
    output = forward(fitted.parameters, x)
    output /= np.linalg.norm(output, axis=1, keepdims=True)
    rows = fitted.prototypes / np.linalg.norm(fitted.prototypes, axis=1, keepdims=True)
    assert ((output @ rows.T).argmax(axis=1) == labels).mean() > 0.95


def test_prototypes_are_the_class_means_of_the_modules_output(make_task):
    x, labels = make_task()
    fitted = training.fit(x, labels, 4, dtype=np.float64)
    output = forward(fitted.parameters, x.astype(np.float64))
    expected = [output[labels == label].mean(axis=0) for label in range(4)]
    # Sums of eight values in another order: float64 rounding.
    np.testing.assert_allclose(fitted.prototypes, expected, rtol=0, atol=1e-14)


def test_a_task_of_one_class_is_learned_without_loss(make_task):
    x, labels = make_task(classes=1)
    for twin in (training, torch_training):
        fitted = twin.fit(x, labels, 1)
        assert fitted.prototypes.shape == (1, 64)
        # The softmax of one class is 1, so only the proximal step moves the module.
        assert fitted.losses == pytest.approx([0] * 20, abs=1e-6)


def test_a_task_of_one_picture_a_class_is_learned(make_task):
    x, labels = make_task(shots=1)
    assert np.isfinite(training.fit(x, labels, 4).prototypes).all()


@pytest.mark.parametrize("twin", [training, torch_training])
@pytest.mark.parametrize("flow", FLOWS)
def test_an_all_zero_feature_does_not_disturb_training(make_task, twin, flow):
    x, labels = make_task()
    x[3] = 0
    fitted = twin.fit(x, labels, 4, Training(flow=flow))
    assert max(np.abs(value).max() for value in fitted.parameters.values()) < 2
    assert fitted.losses[-1] < fitted.losses[0]


@pytest.mark.parametrize("twin", [training, torch_training])
def test_a_class_without_a_picture_is_refused(make_task, twin):
    x, labels = make_task()
    with pytest.raises(LearnError, match="at least one feature for each"):
        twin.fit(x, labels, 5)
    with pytest.raises(LearnError, match="at least one feature for each"):
        twin.fit(x[:0], labels[:0], 1)


@pytest.mark.parametrize("twin", [training, torch_training])
def test_a_loss_that_is_no_longer_finite_is_refused(make_task, twin):
    x, labels = make_task()
    x[0, 0] = np.nan
    with pytest.raises(LearnError, match="diverged"):
        twin.fit(x, labels, 4)


def test_class_means_average_each_class():
    values = np.array([[1.0, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(class_means(values, np.array([1, 0, 1]), 2), [[3, 4], [3, 4]])
