"""The interface of a loaded backbone: one picture's pixels in, one feature out."""

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError, in_one_line

RUNTIMES = ("onnxruntime", "openvino")
HINTS = ("LATENCY", "THROUGHPUT")


class Inference(NamedTuple):
    """The result of running one picture through the backbone.

    Attributes:
        feature: float32 [d].
        milliseconds: duration of the inference, without queueing.
        areas: sums of the last map by area (`edge_tosca.features.areas`), float32 [3, c]; None where they
            were not asked for, or the backbone gives no map.
    """

    feature: NDArray[np.float32]
    milliseconds: float
    areas: NDArray[np.float32] | None = None


def feature_of(output: Any, feature_dim: int, graph: Path) -> NDArray[np.float32]:
    """Copy a runtime's output, whose size may depend on the picture in a graph with free dimensions.

    Args:
        output: the array that a runtime returned.
        feature_dim: length d of a feature.
        graph: the file that was run, for the error.

    Returns:
        float32 [d].

    Raises:
        BundleError: the output has another number of values.
    """
    feature = np.array(output, dtype=np.float32).reshape(-1)
    if len(feature) != feature_dim:
        raise BundleError(
            f"{graph}: computed {len(feature)} values for a picture, by its manifest a feature has "
            f"{feature_dim}; make the bundle again with: edge-tosca export"
        )
    return feature


def run_error(error: Exception, runtime: str, graph: Path) -> BundleError:
    """Return the error of a graph that a runtime could load, but not run on a picture.

    Args:
        error: raised by the runtime.
        runtime: its name.
        graph: the file that was run.

    Returns:
        The error to raise.
    """
    return BundleError(
        f"{graph}: {runtime} cannot compute a picture's feature with it ({in_one_line(error)}); "
        "make the bundle again with: edge-tosca export"
    )


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

    def stream(self, pictures: Iterable[NDArray[np.float32]], *, areas: bool = False) -> Generator[Inference]:
        """Compute the features of many pictures, several at a time.

        Args:
            pictures: as for ``features``; consumed only a little ahead of the results.
            areas: sum up the last map by area as well, where the runtime can.

        Yields:
            One result a picture, in the order of the pictures, bit-identical to ``features``.
        """
        ...
