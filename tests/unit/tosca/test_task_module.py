import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from edge_tosca.digests import sha256
from edge_tosca.errors import StoreError
from edge_tosca.tosca.luca import FLOWS, forward, initial_parameters
from edge_tosca.tosca.task_module import Module, scale_of

D = 48


def make_module(flow="tosca", kept=1.0, d=D, classes=3, seed=0):
    """A module of which about a share of the weights is kept, the others exactly zero."""
    rng = np.random.default_rng(seed)
    parameters = initial_parameters(d, rng, flow)
    for value in parameters.values():
        value *= rng.random(value.shape) < kept
    return Module.rounded(flow, parameters, rng.normal(size=(classes, d)), 7.25)


SPARSE = make_module(kept=0.2).to_bytes()
DENSE = make_module().to_bytes()


@given(
    flow=st.sampled_from(FLOWS),
    kept=st.sampled_from([0.0, 0.01, 0.3, 0.5, 0.7, 1.0]),
    d=st.integers(16, 80),
    classes=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_a_module_survives_its_bytes_exactly(flow, kept, d, classes, seed):
    module = make_module(flow, kept, d, classes, seed)
    data = module.to_bytes()
    again = Module.from_bytes(data)
    assert (again.flow, again.scale) == (module.flow, module.scale)
    assert again.prototypes.tobytes() == module.prototypes.tobytes()
    assert again.parameters.keys() == module.parameters.keys()
    for name, value in module.parameters.items():
        assert again.parameters[name].dtype == np.float32
        # Equal as numbers: a weight of -0.0 may come back as 0.0.
        np.testing.assert_array_equal(again.parameters[name], value, strict=True)
    assert again.to_bytes() == data


def test_a_module_answers_the_same_after_its_bytes():
    module = make_module(kept=0.3)
    x = np.random.default_rng(1).normal(size=(4, D)).astype(np.float32)
    again = Module.from_bytes(module.to_bytes())
    assert again.cosines(x).tobytes() == module.cosines(x).tobytes()


def test_the_same_module_has_the_same_bytes_in_every_process():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_task_module import make_module\n"
        "from edge_tosca.digests import sha256\n"
        "print(sha256(make_module(kept=0.2).to_bytes()))"
    )
    here = str(Path(__file__).parent)
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, here],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert digests == {sha256(SPARSE)}


def test_the_digest_is_the_sha256_of_the_bytes():
    assert sha256(SPARSE) == hashlib.sha256(SPARSE).hexdigest()


def test_a_sparse_module_takes_fewer_bytes_than_a_dense_one():
    dense, sparse, empty = (len(make_module(kept=kept, d=256).to_bytes()) for kept in (1.0, 0.25, 0.0))
    # A kept weight costs 4 bytes instead of 2, so a quarter of the weights costs half, and the head is added.
    assert sparse < 0.65 * dense
    assert empty < 0.25 * dense


def test_size_counts_every_parameter_and_nonzero_the_others_than_zero():
    module = make_module(kept=0.0)
    assert module.size == sum(value.size for value in module.parameters.values())
    assert module.nonzero == 0
    assert make_module(kept=1.0).nonzero == module.size - D - D // 16 - D  # biases and shift start at zero


def test_rounding_changes_values_by_at_most_half_a_unit_of_float16():
    rng = np.random.default_rng(0)
    parameters = initial_parameters(D, rng)
    prototypes = rng.normal(size=(3, D))
    module = Module.rounded("tosca", parameters, prototypes, 1 / 3)
    # float16 has 11 significant bits; below 6e-5 its steps are 6e-8.
    for name, value in parameters.items():
        np.testing.assert_allclose(module.parameters[name], value, rtol=2.0**-11, atol=3e-8)
    np.testing.assert_allclose(module.prototypes, prototypes, rtol=2.0**-11, atol=3e-8)
    assert module.scale == pytest.approx(1 / 3, rel=2.0**-24)


def test_a_weight_beyond_float16_is_kept_finite():
    parameters = initial_parameters(D, np.random.default_rng(0))
    parameters["W1"][0, 0] = 1e9
    module = Module.rounded("tosca", parameters, np.ones((1, D)), 1.0)
    assert module.parameters["W1"][0, 0] == 65504


@pytest.mark.parametrize("flow", FLOWS)
def test_cosines_are_those_of_the_output_and_the_prototypes(flow):
    module = make_module(flow)
    x = np.random.default_rng(2).normal(size=(5, D)).astype(np.float32)
    output = forward(module.parameters, x, flow).astype(np.float64)
    rows = module.prototypes.astype(np.float64)
    expected = output @ rows.T / np.linalg.norm(output, axis=1)[:, None] / np.linalg.norm(rows, axis=1)
    # float32 rounding of a sum over 48 terms.
    np.testing.assert_allclose(module.cosines(x), expected, rtol=0, atol=2e-6)


@given(data=st.sampled_from([SPARSE, DENSE]), share=st.floats(0, 1, exclude_max=True))
def test_truncated_bytes_are_told_in_one_line(data, share):
    with pytest.raises(StoreError) as caught:
        Module.from_bytes(data[: int(share * len(data))])
    assert "\n" not in str(caught.value)


def read_or_refused(data):
    """Read a module; a StoreError of one line is the only other end."""
    try:
        with np.errstate(all="ignore"):
            return Module.from_bytes(data)
    except StoreError as error:
        assert "\n" not in str(error)
        return None


@settings(max_examples=1500)
@given(
    data=st.sampled_from([SPARSE, DENSE]),
    place=st.one_of(st.integers(0, 1200), st.integers(0, 10**6)),
    bit=st.integers(0, 7),
)
def test_a_flipped_bit_is_told_or_gives_another_module_and_never_another_error(data, place, bit):
    damaged = bytearray(data)
    damaged[place % len(data)] ^= 1 << bit
    module = read_or_refused(bytes(damaged))
    # A flipped bit inside a weight is still a module, but not the one that the store names by its digest.
    if module is not None:
        assert sha256(bytes(damaged)) != sha256(data)


@given(st.binary(max_size=300))
def test_any_other_bytes_are_told(data):
    for read in (Module.from_bytes, scale_of):
        with pytest.raises(StoreError):
            read(data)


def test_the_scale_read_alone_is_the_module_s():
    assert scale_of(SPARSE) == Module.from_bytes(SPARSE).scale


@pytest.mark.parametrize(
    "about",
    [
        None,
        "{",
        "[]",
        "1",
        json.dumps({"format": 1, "flow": "tosca"}),
        json.dumps({"format": 1, "flow": "sideways", "scale": 1.0}),
        json.dumps({"format": 1, "flow": ["tosca"], "scale": 1.0}),
        json.dumps({"format": 1, "flow": "tosca", "scale": "much"}),
        json.dumps({"format": 1, "flow": "tosca", "scale": None}),
        json.dumps({"format": 2, "flow": "tosca", "scale": 1.0}),
        "[" * 100_000,
    ],
)
def test_a_safetensors_file_that_is_no_module_is_told(about):
    tensors = {"prototypes": np.ones((2, D), np.float16)}
    tensors |= {name: value.astype(np.float16) for name, value in make_module().parameters.items()}
    with pytest.raises(StoreError):
        Module.from_bytes(save(tensors, metadata=None if about is None else {"luca": about}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"prototypes": np.ones(D, np.float16)},
        {"prototypes": np.ones((2, 8), np.float16)},
        {"W1": np.ones((2, D), np.float16)},
        {"W1.columns": np.full(5, D, np.uint16)},
        {"W1.row_sizes": np.full(3, 9, np.uint16)},
        {"W1.values": np.ones(4, np.float16)},
    ],
)
def test_a_module_whose_arrays_do_not_fit_is_told(wrong):
    tensors = {name: value.astype(np.float16) for name, value in make_module().parameters.items()}
    del tensors["W1"]
    tensors |= {
        "prototypes": np.ones((2, D), np.float16),
        "W1.values": np.ones(5, np.float16),
        "W1.columns": np.arange(5, dtype=np.uint16),
        "W1.row_sizes": np.array([2, 2, 1], np.uint16),
    }
    about = {"luca": json.dumps({"format": 1, "flow": "tosca", "scale": 1.0})}
    assert Module.from_bytes(save(tensors, metadata=about)).nonzero
    with pytest.raises(StoreError):
        Module.from_bytes(save(tensors | wrong, metadata=about))
