"""The interface of a loaded backbone: one picture's pixels in, one feature out."""

from collections.abc import Generator, Iterable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

RUNTIMES = ("onnxruntime", "openvino")
HINTS = ("LATENCY", "THROUGHPUT")


class Inference(NamedTuple):
    """The result of running one picture through the backbone.

    Attributes:
        feature: float32 [d].
        milliseconds: duration of the inference, without queueing.
    """

    feature: NDArray[np.float32]
    milliseconds: float


class Backend(Protocol):
    """A loaded backbone.

    Attributes:
        name: the runtime, "onnxruntime" or "openvino".
        device: the kind of device it runs on, for example "CPU" or "NPU".
        version: of the runtime.
        graph: names of the bundle's files that are loaded, in the order of loading.
        hardware: the processor, or the device and its driver version; empty where that version is unknown.
    """

    name: str
    device: str
    version: str
    graph: tuple[str, ...]
    hardware: str

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one picture's feature.

        Args:
            pixels: float32 [1, 3, size, size], the output of :class:`Preprocessing`.

        Returns:
            float32 [d].
        """
        ...

    def stream(self, pictures: Iterable[NDArray[np.float32]]) -> Generator[Inference]:
        """Compute the features of many pictures, several at a time.

        Args:
            pictures: as for ``features``; consumed only a little ahead of the results.

        Yields:
            One result a picture, in the order of the pictures, bit-identical to ``features``.
        """
        ...
