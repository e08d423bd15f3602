"""What runs a backbone: one picture's pixels in, one feature out."""

from collections.abc import Generator, Iterable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

RUNTIMES = ("onnxruntime", "openvino")
HINTS = ("LATENCY", "THROUGHPUT")


class Inference(NamedTuple):
    """One picture's way through the backbone.

    Attributes:
        feature: float32 [d].
        milliseconds: what the inference took, without waiting for its turn.
    """

    feature: NDArray[np.float32]
    milliseconds: float


class Backend(Protocol):
    """A loaded backbone.

    Attributes:
        name: the runtime, "onnxruntime" or "openvino".
        device: the kind of device it runs on, for example "CPU" or "NPU".
        version: the runtime's.
        graph: names the bundle's files that run, in the order in which they are read.
        hardware: names the processor or the device with its driver; empty where the driver is not told.
    """

    name: str
    device: str
    version: str
    graph: tuple[str, ...]
    hardware: str

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one picture's feature.

        Args:
            pixels: float32 [1, 3, size, size], as :class:`Preprocessing` makes it.

        Returns:
            float32 [d].
        """
        ...

    def stream(self, pictures: Iterable[NDArray[np.float32]]) -> Generator[Inference]:
        """Compute the features of many pictures, several at a time.

        Args:
            pictures: as for ``features``; taken only a little ahead of the results.

        Yields:
            In the order of the pictures, the same features to the last bit.
        """
        ...
