"""The array functions of the ground floor."""

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from edge_tosca.arrays import HeaderSizeError, mean_or_none, safetensors_header

ARRAYS = {"half": np.arange(6, dtype=np.float16).reshape(2, 3), "none": np.zeros((0, 4), np.float32)}


def header_of(body, length=None, limit=1 << 20):
    length = len(body) if length is None else length
    return safetensors_header(io.BytesIO(length.to_bytes(8, "little") + body), limit)


def test_a_header_has_every_array_and_the_metadata_and_ends_where_the_arrays_begin():
    data = save(ARRAYS, metadata={"made": "here"})
    header, start = safetensors_header(io.BytesIO(data), len(data))
    assert header.pop("__metadata__") == {"made": "here"}
    assert {name: entry["shape"] for name, entry in header.items()} == {"half": [2, 3], "none": [0, 4]}
    begin, end = header["half"]["data_offsets"]
    assert data[start + begin : start + end] == ARRAYS["half"].tobytes()


def test_a_header_may_be_as_long_as_the_limit_and_no_longer():
    body = json.dumps({"a": {}}).encode()
    assert header_of(body, limit=len(body)) == ({"a": {}}, 8 + len(body))
    with pytest.raises(HeaderSizeError, match="longer"):
        header_of(body, limit=len(body) - 1)


@pytest.mark.parametrize("length", [3, 1 << 40, (1 << 64) - 1])
def test_no_more_is_read_than_the_limit_allows(length):
    stream = io.BytesIO(length.to_bytes(8, "little") + b"{}")
    with pytest.raises(HeaderSizeError):
        safetensors_header(stream, 2)
    assert stream.tell() == 8


@pytest.mark.parametrize("data", [b"", bytes(7), (9).to_bytes(8, "little") + b'{"a": 1}'])
def test_a_header_that_is_cut_off_is_refused(data):
    with pytest.raises(HeaderSizeError):
        safetensors_header(io.BytesIO(data), 1 << 20)


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"", ValueError), (b"\xff", ValueError), (b"[]", TypeError), (b"[" * 100_000, RecursionError)],
)
def test_a_header_that_is_no_object_is_refused(body, error):
    with pytest.raises(error) as caught:
        header_of(body)
    assert not isinstance(caught.value, HeaderSizeError)


@given(st.lists(st.floats(0, 1), min_size=1))
def test_the_mean_is_that_of_numpy_up_to_rounding(values):
    # Both add n numbers of at most 1, with n roundings of at most 2^-53 n.
    assert mean_or_none(values) == pytest.approx(np.mean(values), abs=len(values) * 2.0**-52)


def test_no_number_has_no_mean():
    assert mean_or_none([]) is None
