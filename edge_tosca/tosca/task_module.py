"""A trained LuCA module and its file format: immutable, sparse, named by the digest of its bytes.

The file is a safetensors file of float16 tensors. A matrix that is mostly zero is stored as its nonzero
values, their columns and the number of values in each row (compressed sparse rows).
"""

import io
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from edge_tosca.arrays import MAX_FEATURE_DIM, Array, safetensors_header, unit_rows
from edge_tosca.errors import EdgeToscaError, StoreError, in_one_line
from edge_tosca.tosca.luca import Flow, Parameters, forward, parameter_shapes

_FORMAT = 1
_SENSELESS = (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError)
# A kept value costs 4 bytes when sparse (float16 and a 16-bit column) and 2 when dense.
_DENSE_ABOVE = 0.5


@dataclass(frozen=True)
class Module:
    """The LuCA module of one task, and its cosine head.

    Attributes:
        flow: which LuCA flow.
        parameters: dense float32 arrays of values that float16 represents exactly.
        prototypes: head rows, float32 [k, d], in the order of the task's classes.
        scale: sigma of logits = sigma * cos(output, prototype), calibrated on held-out features.
    """

    flow: Flow
    parameters: Parameters
    prototypes: Array
    scale: float

    @classmethod
    def rounded(cls, flow: Flow, parameters: Parameters, prototypes: Array, scale: float) -> "Module":
        """Round a trained module to the precision in which it is stored.

        Args:
            flow: which LuCA flow.
            parameters: of any float type.
            prototypes: [k, d].
            scale: sigma.

        Returns:
            A module that survives `to_bytes` and `from_bytes` unchanged.
        """
        rounded = {name: _to_half(value).astype(np.float32) for name, value in parameters.items()}
        return cls(flow, rounded, _to_half(prototypes).astype(np.float32), float(np.float32(scale)))

    def cosines(self, x: Array) -> Array:
        """Compute the cosines of the module's outputs with its prototypes.

        Args:
            x: features as the module was trained on, see `module_input`, float32 [n, d].

        Returns:
            float32 [n, k] in -1 .. 1.
        """
        return unit_rows(forward(self.parameters, x, self.flow)) @ self._unit_prototypes

    @cached_property
    def _unit_prototypes(self) -> Array:
        return unit_rows(self.prototypes).T

    @property
    def size(self) -> int:
        """Number of parameters, zeros included."""
        return sum(value.size for value in self.parameters.values())

    @property
    def nonzero(self) -> int:
        """Number of parameters that are not zero."""
        return sum(int(np.count_nonzero(value)) for value in self.parameters.values())

    def to_bytes(self) -> bytes:
        """Serialise the module, matrices sparse where that is smaller.

        Returns:
            The file. Equal modules have equal bytes.
        """
        tensors: dict[str, Array] = {"prototypes": _to_half(self.prototypes)}
        for name, value in self.parameters.items():
            if value.ndim == 1 or np.count_nonzero(value) > _DENSE_ABOVE * value.size:
                tensors[name] = _to_half(value)
            else:
                rows, columns = np.nonzero(value)
                tensors[f"{name}.values"] = _to_half(value[rows, columns])
                tensors[f"{name}.columns"] = columns.astype(np.uint16)
                tensors[f"{name}.row_sizes"] = np.bincount(rows, minlength=len(value)).astype(np.uint16)
        # One metadata entry only: the order of several is not fixed by safetensors.
        about = {"format": _FORMAT, "flow": self.flow, "scale": self.scale}
        return bytes(save(tensors, metadata={"luca": json.dumps(about, sort_keys=True)}))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Module":
        """Deserialise a module.

        Args:
            data: from `to_bytes`.

        Returns:
            The module.

        Raises:
            StoreError: the bytes are not a module of a known format.
        """
        try:
            about = _metadata(data)
            tensors = load(data)
            if about["format"] != _FORMAT:
                raise StoreError(f"a module of format {about['format']!r:.20} needs a newer edge-tosca")
            prototypes = tensors["prototypes"].astype(np.float32)
            # An array without rows takes no bytes, whatever its stated width.
            if prototypes.ndim != 2 or prototypes.shape[1] > MAX_FEATURE_DIM:
                raise ValueError("the prototypes have a wrong shape")
            shapes = parameter_shapes(prototypes.shape[1], about["flow"])
            parameters = {name: _read(tensors, name, shape) for name, shape in shapes.items()}
            return cls(about["flow"], parameters, prototypes, float(about["scale"]))
        except StoreError:
            raise
        except (SafetensorError, EdgeToscaError, *_SENSELESS) as error:
            raise _damaged(error) from None


def scale_of(data: bytes) -> float:
    """Read only the scale of a serialised module.

    Args:
        data: from `Module.to_bytes`.

    Returns:
        Sigma.

    Raises:
        StoreError: the bytes are not a module.
    """
    try:
        return float(_metadata(data)["scale"])
    except _SENSELESS as error:
        raise _damaged(error) from None


def _read(tensors: dict[str, Array], name: str, shape: tuple[int, ...]) -> Array:
    if name in tensors:
        return tensors[name].astype(np.float32).reshape(shape)
    dense = np.zeros(shape, np.float32)
    sizes, values = tensors[f"{name}.row_sizes"], tensors[f"{name}.values"]
    # Checked before `np.repeat`: a few bytes could expand to more indices than fit into memory.
    if sizes.dtype != np.uint16 or int(sizes.sum(dtype=np.int64)) != values.size:
        raise ValueError("its rows do not fit its values")
    dense[np.repeat(np.arange(shape[0]), sizes), tensors[f"{name}.columns"]] = values
    return dense


def _damaged(error: Exception) -> StoreError:
    return StoreError(f"a module is damaged ({in_one_line(error)}); roll back, or learn its task again")


def _metadata(data: bytes) -> dict[str, Any]:
    header, _ = safetensors_header(io.BytesIO(data), len(data))
    about: dict[str, Any] = json.loads(header["__metadata__"]["luca"])
    return about


def _to_half(values: Array) -> Array:
    return np.clip(values, -65504, 65504).astype(np.float16)
