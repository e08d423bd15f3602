import contextlib
import json
import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from edge_tosca.store.tensor_blobs import read_arrays

ARRAYS = {
    "half": np.arange(6, dtype=np.float16).reshape(2, 3),
    "single": np.linspace(0, 1, 5, dtype=np.float32),
    "double": np.array([[np.inf, -0.0], [np.nan, 1e300]]),
    "none": np.zeros((0, 4), np.float32),
    "steps": np.array([-(2**31), 2**31 - 1], np.int32),
    "counts": np.array([1 << 60], np.int64),
}


def read(data):
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE rows (data BLOB)")
        connection.execute("INSERT INTO rows VALUES (?)", (data,))
        with connection.blobopen("rows", "data", 1, readonly=True) as blob:
            return read_arrays(blob)


def test_what_safetensors_writes_is_read_to_the_last_bit():
    found = read(save(ARRAYS))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


@given(place=st.integers(0, 10_000), value=st.integers(0, 255), end=st.integers(0, 10_000))
def test_a_damaged_row_is_arrays_or_an_error_that_the_store_tells(place, value, end):
    data = bytearray(save(ARRAYS))
    data[place % len(data)] = value
    with contextlib.suppress(ValueError, TypeError, LookupError, OverflowError):
        read(bytes(data))
    with contextlib.suppress(ValueError, TypeError, LookupError, OverflowError):
        read(bytes(data[: end % len(data)]))


@pytest.mark.parametrize("offsets", [[0, 1 << 40], [-8, 0], [8, 0], [4000, 4008]])
def test_an_array_outside_its_row_is_refused(offsets):
    header = json.dumps({"a": {"dtype": "F64", "shape": [1], "data_offsets": offsets}}).encode()
    with pytest.raises(ValueError):
        read(len(header).to_bytes(8, "little") + header + bytes(8))


def test_arrays_that_share_bytes_to_be_larger_than_their_row_are_refused():
    entry = {"dtype": "F64", "shape": [1000], "data_offsets": [0, 8000]}
    header = json.dumps({f"a{number}": entry for number in range(50)}).encode()
    with pytest.raises(ValueError, match="larger than the row"):
        read(len(header).to_bytes(8, "little") + header + bytes(8000))
