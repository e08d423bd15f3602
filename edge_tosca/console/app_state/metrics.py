"""Metrics of the console in Prometheus' text format."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edge_tosca.devices.camera import CameraStats
from edge_tosca.live import LiveStats


@dataclass(frozen=True)
class Readings:
    """Values that are read when Prometheus asks.

    Attributes:
        queued: number of pictures in the training queue.
        unknown: number of pictures in the unknown inbox.
        streams: number of open live views.
        training: whether a lesson is being learned.
        camera: statistics of the camera and its live loop; None for both if there is no camera.
    """

    queued: Callable[[], int]
    unknown: Callable[[], int]
    streams: Callable[[], int]
    training: Callable[[], bool]
    camera: Callable[[], tuple[CameraStats | None, LiveStats | None]]


class Metrics:
    """Counts requests and answers, and reads everything else when Prometheus asks.

    Attributes:
        seconds: histogram of answer times.
    """

    def __init__(self, readings: Readings) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "edge_tosca_requests", "Requests.", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "edge_tosca_answer_seconds",
            "Seconds from a picture's arrival to its answer, of pictures that were sent.",
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self._registry,
        )
        self._registry.register(_Collector(readings))

    def count_request(self, method: str, route: str, status: int) -> None:
        """Count a request.

        Args:
            method: of HTTP.
            route: the route's pattern, without values from the client.
            status: of the response; 0 if there was none.
        """
        self._requests.labels(method, route, str(status)).inc()

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _Collector(Collector):
    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        read = self._readings
        gauge, counter = GaugeMetricFamily, CounterMetricFamily
        yield gauge("edge_tosca_queue_pictures", "Pictures in the training queue.", read.queued())
        yield gauge("edge_tosca_inbox_pictures", "Pictures in the unknown inbox.", read.unknown())
        yield gauge("edge_tosca_streams", "Open live views.", read.streams())
        yield gauge("edge_tosca_teaching", "1 while a lesson is being learned.", int(read.training()))
        camera, live = read.camera()
        if camera is None or live is None:
            return
        yield gauge("edge_tosca_camera_connected", "1 while the camera gives frames.", int(camera.connected))
        yield gauge("edge_tosca_camera_fps", "Frames a second.", camera.fps)
        yield counter("edge_tosca_camera_frames", "Frames of the camera.", camera.frames)
        yield counter("edge_tosca_camera_dropped", "Frames that were not used.", camera.dropped)
        yield counter("edge_tosca_camera_reconnects", "Times the camera came back.", camera.reconnects)
        yield gauge("edge_tosca_live_fps", "Live answers a second.", live.fps)
        yield counter("edge_tosca_live_answers", "Live answers.", live.answered)
        yield counter("edge_tosca_live_skipped", "Frames that the live loop skipped.", live.skipped)
        latency = gauge("edge_tosca_live_seconds", "From a frame to its answer.", labels=["quantile"])
        latency.add_metric(["0.5"], live.latency_p50)
        latency.add_metric(["0.99"], live.latency_p99)
        yield latency
