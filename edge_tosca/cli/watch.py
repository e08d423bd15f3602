"""The verb watch: follow a camera and report every change of the answer."""

import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_tosca.addresses import CAMERA_VARIABLE
from edge_tosca.cli.addresses import CameraFileOption, CamerasOption, given_cameras
from edge_tosca.cli.event_options import (
    GpioOption,
    MqttFileOption,
    MqttOption,
    OnChangeOption,
    OnChangeSecondsOption,
    Outlets,
    TriggerOption,
    WebhookFileOption,
    WebhookOption,
    WebhookPictureOption,
    WebhookSecretOption,
    given_outlets,
)
from edge_tosca.cli.fleet_options import StrictErasureOption, WaitOption, following_fleet
from edge_tosca.cli.terminal import (
    DeviceOption,
    KeyFileOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    say_json,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import CameraError

if TYPE_CHECKING:
    from edge_tosca.devices.camera import CameraStats, Stream
    from edge_tosca.learner.learner import Learner
    from edge_tosca.live import Place
    from edge_tosca.live.place import Triggers
    from edge_tosca.store.store import Store
    from edge_tosca.watch import Change, Sink

watch_verb = Verbs()

_log = logging.getLogger("edge_tosca.watch")


@watch_verb.command()
def watch(
    context: typer.Context,
    store: StorePath,
    camera: CamerasOption = None,
    camera_file: CameraFileOption = None,
    on_change: OnChangeOption = None,
    mqtt: MqttOption = None,
    mqtt_file: MqttFileOption = None,
    webhook: WebhookOption = None,
    webhook_file: WebhookFileOption = None,
    webhook_secret_file: WebhookSecretOption = None,
    webhook_picture: WebhookPictureOption = 0,
    trigger: TriggerOption = "always",
    look_gpio: GpioOption = None,
    frames: Annotated[int, typer.Option(min=1, max=64, help="Frames that are answered as one burst.")] = 5,
    answers: Annotated[int | None, typer.Option(min=1, help="Exit after so many answered frames.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.0, help="Exit after so long.")] = None,
    on_change_seconds: OnChangeSecondsOption = 30.0,
    log: Annotated[
        Literal["text", "json"], typer.Option(help="Format of events on standard error.")
    ] = "text",
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    wait: WaitOption = 30.0,
    strict_erasure: StrictErasureOption = False,
    key_file: KeyFileOption = None,
) -> None:
    """Follow a camera, and print a line of JSON whenever the answer changes.

    A change takes three frames that agree, so that a single picture in a watched folder prints nothing.
    """
    from edge_tosca.learner.learner import Learner
    from edge_tosca.live import Place
    from edge_tosca.live.regions import read_regions, regions_of
    from edge_tosca.live.shared_backbone import SharedBackbone
    from edge_tosca.live.triggers import parse_trigger
    from edge_tosca.service import errors_as_log_lines, set_up_logging
    from edge_tosca.store.store import Store

    if log == "json":
        set_up_logging(log)
    report = _log.info if log == "json" else _print_event

    open_learner = SharedBackbone(
        lambda: Learner.open(store, runtime=runtime, device=device, threads=threads, key_file=key_file)
    )
    with errors_as_log_lines(log):
        cameras = given_cameras(context, camera, camera_file)
        outlets = given_outlets(
            context,
            on_change,
            on_change_seconds,
            mqtt,
            mqtt_file,
            webhook,
            webhook_file,
            webhook_secret_file,
            webhook_picture,
            look_gpio,
        )
        parse_trigger(trigger)
        if not cameras:
            raise typer.BadParameter(
                f"there is none; give --camera SPEC, --camera-file FILE or {CAMERA_VARIABLE}",
                ctx=context,
                param_hint="--camera",
            )
        # What is wrong at the start ends the command; what goes wrong later is waited out.
        with closing(open_learner()) as learner:
            regions = read_regions(learner.store)
        places = [Place(name, one.name) for name in cameras for one in regions_of(regions, name)]
        with following_fleet(store, key_file, wait, strict_erasure, report):
            _follow(
                open_learner,
                cameras,
                places,
                outlets,
                lambda _: parse_trigger(trigger),
                lambda: Store.open(store, key_file),
                frames,
                answers,
                seconds,
                report,
            )


def _follow(
    open_learner: Callable[[], "Learner"],
    cameras: Mapping[str, str],
    places: "Sequence[Place]",
    outlets: Outlets,
    triggers: "Triggers",
    open_store: "Callable[[], Store]",
    frames: int,
    answers: int | None,
    seconds: float | None,
    report: Callable[[str], None],
) -> None:
    from edge_tosca.devices.camera import Stream
    from edge_tosca.live import Live
    from edge_tosca.live.dwell import Dwell
    from edge_tosca.live.tally_writer import TallyWriter
    from edge_tosca.service import supervised
    from edge_tosca.watch import watch as follow

    signals: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        signals.append(number)

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, stop)
    streams = {name: Stream.of(spec, report) for name, spec in cameras.items()}
    live = Live(streams, open_learner, frames, report, triggers=triggers)
    dwell = Dwell()
    with ExitStack() as opened:
        sinks: list[Sink] = [_Lines(), dwell, *outlets.open(opened, report, lambda: live, places)]
        opened.enter_context(closing(TallyWriter(dwell, open_store, report)))
        for stream in streams.values():
            opened.enter_context(closing(stream))
        opened.enter_context(closing(live))
        for stream in streams.values():
            stream.start()
        live.start()
        what = ", ".join(stream.name for stream in streams.values())
        with supervised({"live": lambda: live.rounds}, f"watching {what}"):
            connected = {name: _connection_of(stream) for name, stream in streams.items()}
            follow(live, connected, sinks, lambda: bool(signals), answers, seconds)
        stats = {stream.name: stream.stats() for stream in streams.values()}
    if not any(one.width for one in stats.values()) and not signals:
        name, first = next(iter(stats.items()))
        raise CameraError(_no_frame(first, name))


def _connection_of(stream: "Stream") -> Callable[[], bool]:
    return lambda: stream.stats().connected


def _no_frame(stats: "CameraStats", name: str) -> str:
    if stats.ended and stats.error is not None:
        return stats.error
    if stats.error is not None:
        return f"no frame came: {stats.error}"
    return f"{name}: no frame came; check that the camera runs, or that a program writes pictures there"


class _Lines:
    """Prints changes as lines of JSON."""

    def change(self, change: "Change") -> None:
        say_json(change.to_json())

    def available(self, available: "Mapping[Place, bool]") -> None:
        """Print nothing: lines are for answers."""


def _print_event(event: str) -> None:
    from edge_tosca.watch.command import plain

    typer.echo(f"edge-tosca: {plain(event)}", err=True)
