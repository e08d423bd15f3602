"""Metrics of the console in Prometheus' text format."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edge_tosca.console.app_state.cameras import Cameras
from edge_tosca.devices.camera import CameraStats
from edge_tosca.live import LiveStats, Place
from edge_tosca.live.dwell import Amount


@dataclass(frozen=True)
class Readings:
    """Values that are read when Prometheus asks.

    Attributes:
        queued: number of pictures in the training queue.
        unknown: number of pictures in the unknown inbox.
        streams: number of open live views.
        events: number of changes by sink (webhook, mqtt, command) and by what became of them.
        dwell: how often and how long each class was shown, by region and label.
        training: whether a lesson is being learned.
        cameras: the box's cameras.
    """

    queued: Callable[[], int]
    unknown: Callable[[], int]
    streams: Callable[[], int]
    events: Callable[[], Mapping[tuple[str, str], int]]
    dwell: Callable[[], Mapping[tuple[Place, str | None], Amount]]
    training: Callable[[], bool]
    cameras: Callable[[], Cameras]


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
        gauge = GaugeMetricFamily
        yield gauge("edge_tosca_queue_pictures", "Pictures in the training queue.", read.queued())
        yield gauge("edge_tosca_inbox_pictures", "Pictures in the unknown inbox.", read.unknown())
        yield gauge("edge_tosca_streams", "Open live views.", read.streams())
        yield gauge("edge_tosca_teaching", "1 while a lesson is being learned.", int(read.training()))
        cameras = read.cameras()
        plain = cameras.is_plain()
        of_cameras = {name: feed.stream.stats() for name, feed in cameras.feeds.items()}
        yield from _camera_metrics({() if plain else (name,): one for name, one in of_cameras.items()})
        of_places = {place: cameras.live.stats(place) for place, _ in cameras.places()}
        yield from _live_metrics({() if plain else tuple(place): one for place, one in of_places.items()})
        yield from _dwell_metrics(read.dwell())
        events = CounterMetricFamily(
            "edge_tosca_events", "Changes reported elsewhere, or dropped.", labels=["sink", "outcome"]
        )
        for labels, count in read.events().items():
            events.add_metric(labels, count)
        yield events


_Family = type[GaugeMetricFamily] | type[CounterMetricFamily]

_CAMERA: tuple[tuple[_Family, str, str, Callable[[CameraStats], float]], ...] = (
    (GaugeMetricFamily, "connected", "1 while the camera gives frames.", lambda of: int(of.connected)),
    (GaugeMetricFamily, "fps", "Frames a second.", lambda of: of.fps),
    (CounterMetricFamily, "frames", "Frames of the camera.", lambda of: of.frames),
    (CounterMetricFamily, "dropped", "Frames that were not used.", lambda of: of.dropped),
    (CounterMetricFamily, "reconnects", "Times the camera came back.", lambda of: of.reconnects),
)
_LIVE: tuple[tuple[_Family, str, str, Callable[[LiveStats], float]], ...] = (
    (GaugeMetricFamily, "fps", "Live answers a second.", lambda of: of.fps),
    (CounterMetricFamily, "answers", "Live answers.", lambda of: of.answered),
    (CounterMetricFamily, "skipped", "Frames that the live loop skipped.", lambda of: of.skipped),
    (CounterMetricFamily, "unneeded", "Frames that the trigger left out.", lambda of: of.unneeded),
)


def _camera_metrics(found: Mapping[tuple[str, ...], CameraStats]) -> Iterator[Metric]:
    """Return the metrics of cameras, by camera where the box has more than its one whole frame."""
    labels = ["camera"] if any(found) else []
    for kind, name, about, value in _CAMERA if found else ():
        family = kind(f"edge_tosca_camera_{name}", about, labels=labels)
        for key, stats in found.items():
            family.add_metric(key, value(stats))
        yield family


def _live_metrics(found: Mapping[tuple[str, ...], LiveStats]) -> Iterator[Metric]:
    """Return the metrics of live answers, by camera and region likewise."""
    labels = ["camera", "region"] if any(found) else []
    for kind, name, about, value in _LIVE if found else ():
        family = kind(f"edge_tosca_live_{name}", about, labels=labels)
        for key, stats in found.items():
            family.add_metric(key, value(stats))
        yield family
    if found:
        latency = GaugeMetricFamily(
            "edge_tosca_live_seconds", "From a frame to its answer.", labels=[*labels, "quantile"]
        )
        for key, stats in found.items():
            latency.add_metric((*key, "0.5"), stats.latency_p50)
            latency.add_metric((*key, "0.99"), stats.latency_p99)
        yield latency


def _dwell_metrics(found: Mapping[tuple[Place, str | None], Amount]) -> Iterator[Metric]:
    """Return how often and how long each class was shown since the start; "" stands for none of them."""
    labels = ["camera", "region", "class"]
    seen = CounterMetricFamily("edge_tosca_seen", "Times that a class appeared.", labels=labels)
    seconds = CounterMetricFamily("edge_tosca_shown_seconds", "Time that a class was shown.", labels=labels)
    for (place, label), amount in found.items():
        seen.add_metric((*place, label or ""), amount.seen)
        seconds.add_metric((*place, label or ""), amount.seconds)
    yield seen
    yield seconds
