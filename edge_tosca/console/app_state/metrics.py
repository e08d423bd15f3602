"""How the console is doing, in Prometheus' format."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from edge_tosca.console.app_state.state import AppState


class Metrics:
    """Counts what is asked, and reads the rest where it is, when Prometheus comes."""

    def __init__(self, station: "AppState") -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "edge_tosca_requests", "Requests.", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "edge_tosca_answer_seconds",
            "Seconds from a picture's arrival to its answer, of pictures that were sent.",
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self._registry,
        )
        self._registry.register(_Readings(station))

    def text(self) -> bytes:
        """Write all metrics."""
        return generate_latest(self._registry)


class _Readings(Collector):
    def __init__(self, station: "AppState") -> None:
        self._station = station

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        from edge_tosca.console.app_state.camera_loop import accounts

        station = self._station
        gauge, counter = GaugeMetricFamily, CounterMetricFamily
        waiting = sum(map(len, station.queue.classes().values()))
        yield gauge("edge_tosca_queue_pictures", "Pictures that wait to be taught.", waiting)
        inbox = sum(len(group.pictures) for group in station.inbox.groups())
        yield gauge("edge_tosca_inbox_pictures", "Pictures of unknown things.", inbox)
        yield gauge("edge_tosca_streams", "Live views that are open.", station.streams.count)
        yield gauge("edge_tosca_teaching", "1 while a lesson is learned.", int(station.jobs.running))
        camera, live = accounts(station.watching)
        if camera is None or live is None:
            return
        yield gauge("edge_tosca_camera_connected", "1 while the camera gives frames.", int(camera.connected))
        yield gauge("edge_tosca_camera_fps", "Frames a second.", camera.fps)
        yield counter("edge_tosca_camera_frames", "Frames of the camera.", camera.frames)
        yield counter("edge_tosca_camera_dropped", "Frames that nobody took.", camera.dropped)
        yield counter("edge_tosca_camera_reconnects", "Times the camera came back.", camera.reconnects)
        yield gauge("edge_tosca_live_fps", "Live answers a second.", live.fps)
        yield counter("edge_tosca_live_answers", "Live answers.", live.answered)
        yield counter("edge_tosca_live_skipped", "Frames that the live loop did not look at.", live.skipped)
        latency = gauge("edge_tosca_live_seconds", "From a frame to its answer.", labels=["quantile"])
        latency.add_metric(["0.5"], live.latency_p50)
        latency.add_metric(["0.99"], live.latency_p99)
        yield latency
