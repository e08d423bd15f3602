"""A graph of ONNX operators under construction; only operators of opset 13 and later, all shapes fixed."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.takeaway import messages
from edge_tosca.takeaway.messages import Attribute

PREFIX = "tosca/"
"""Of the names of all tensors of this graph, but its input and outputs."""

_AXES_AS_INPUT = 18
"""Opset from which on ReduceMax and ReduceMean take their axes as an input."""


class Graph:
    """Nodes in the order of their computation, and stored tensors.

    Args:
        opset: version of the operators.

    Attributes:
        nodes: encoded.
        tensors: encoded.
        names: of all tensors.
    """

    def __init__(self, opset: int) -> None:
        self.nodes: list[bytes] = []
        self.tensors: list[bytes] = []
        self.names: set[str] = set()
        self._opset = opset
        self._small: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def stored(self, name: str, values: Array) -> str:
        """Store a tensor.

        Args:
            name: a word for it; a number is appended.
            values: its values.

        Returns:
            The name of the tensor.
        """
        full = self._name(name)
        self.tensors.append(messages.tensor(full, values))
        return full

    def constant(
        self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32, shape: Sequence[int] | None = None
    ) -> str:
        """Store a few numbers, once for all nodes that use the same.

        Args:
            values: the numbers.
            dtype: their type.
            shape: their shape; as given by default.

        Returns:
            The name of the tensor.
        """
        array = np.asarray(values, dtype)
        array = array if shape is None else array.reshape(shape)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._small:
            self._small[key] = self.stored("constant", array)
        return self._small[key]

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Attribute) -> str:
        """Add a node with one output.

        Args:
            operator: its type.
            inputs: names of tensors.
            output: name of its output; by default one that tells the operator.
            attributes: of the node.

        Returns:
            The name of its output.
        """
        return self.add_several(operator, *inputs, outputs=[output or self._name(operator)], **attributes)[0]

    def add_several(
        self, operator: str, *inputs: str, outputs: Sequence[str], **attributes: Attribute
    ) -> Sequence[str]:
        """Add a node with several outputs, whose names are given; otherwise as `add`."""
        self.names.update(outputs)
        self.nodes.append(messages.node(operator, inputs, outputs, attributes))
        return outputs

    def slice(self, tensor: str, start: int, stop: int, axis: int = 1) -> str:
        """Take a range of a tensor's rows or columns."""
        bounds = (self.constant([at], np.int64) for at in (start, stop, axis))
        return self.add("Slice", tensor, *bounds)

    def reshape(self, tensor: str, *shape: int, output: str | None = None) -> str:
        """Give a tensor another shape."""
        return self.add("Reshape", tensor, self.constant(shape, np.int64), output=output)

    def cast(self, tensor: str, dtype: str) -> str:
        """Convert a tensor's elements to another type."""
        return self.add("Cast", tensor, to=messages.element_number(dtype))

    def largest(self, tensor: str, count: int) -> tuple[str, str]:
        """Find the largest values of one row, [1, n].

        Returns:
            The values, the largest first, [1, count], and their places, int64 [1, count].
        """
        values, places = self._name("TopK"), self._name("TopK")
        self.add_several("TopK", tensor, self.constant([count], np.int64), outputs=[values, places], axis=1)
        return values, places

    def total(self, tensor: str) -> str:
        """Add up the columns, [n, 1] of [n, d]."""
        return self.add("ReduceSum", tensor, self.constant([1], np.int64), keepdims=1)

    def mean(self, tensor: str) -> str:
        """Average the columns, [n, 1] of [n, d]."""
        return self._reduce("ReduceMean", tensor)

    def maximum(self, tensor: str) -> str:
        """Return the largest column, [n, 1] of [n, d]."""
        return self._reduce("ReduceMax", tensor)

    def length(self, tensor: str) -> str:
        """Compute the Euclidean length of each row, [n, 1] of [n, d]."""
        return self.add("Sqrt", self.total(self.add("Mul", tensor, tensor)))

    def unit_rows(self, tensor: str) -> str:
        """Scale each row to Euclidean length 1, see `edge_tosca.arrays.unit_rows`."""
        return self.add("Div", tensor, self.add("Add", self.length(tensor), self.constant(1e-12)))

    def product(self, left: str, right: str) -> str:
        """Multiply rows by rows, [n, m] of [n, d] and [m, d]."""
        return self.add("Gemm", left, right, transB=1)

    def _reduce(self, operator: str, tensor: str) -> str:
        if self._opset < _AXES_AS_INPUT:
            return self.add(operator, tensor, axes=(1,), keepdims=1)
        return self.add(operator, tensor, self.constant([1], np.int64), keepdims=1)

    def _name(self, word: str) -> str:
        name = f"{PREFIX}{word}_{len(self.names)}"
        self.names.add(name)
        return name
