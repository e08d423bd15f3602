"""The verb watch: follow a camera and report every change of the answer."""

import logging
import signal
from collections.abc import Callable
from contextlib import ExitStack, closing
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_tosca.addresses import CAMERA_VARIABLE
from edge_tosca.cli.addresses import CameraFileOption, given_address
from edge_tosca.cli.event_options import (
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
from edge_tosca.system.malloc import bound_heap

if TYPE_CHECKING:
    from edge_tosca.devices.camera import CameraStats
    from edge_tosca.learner.learner import Learner
    from edge_tosca.live.triggers import Trigger
    from edge_tosca.watch import Change, Sink

watch_verb = Verbs()

_log = logging.getLogger("edge_tosca.watch")


@watch_verb.command()
def watch(
    context: typer.Context,
    store: StorePath,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="A number or /dev/videoN, rtsp://..., picamera2, a folder that receives pictures, or a "
            'file of frames, as in "frames.mjpeg?fps=15&loop=1".',
        ),
    ] = None,
    camera_file: CameraFileOption = None,
    on_change: OnChangeOption = None,
    mqtt: MqttOption = None,
    mqtt_file: MqttFileOption = None,
    webhook: WebhookOption = None,
    webhook_file: WebhookFileOption = None,
    webhook_secret_file: WebhookSecretOption = None,
    webhook_picture: WebhookPictureOption = 0,
    trigger: TriggerOption = "always",
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
    key_file: KeyFileOption = None,
) -> None:
    """Follow a camera, and print a line of JSON whenever the answer changes.

    A change takes three frames that agree, so that a single picture in a watched folder prints nothing.
    """
    from edge_tosca.learner.learner import Learner
    from edge_tosca.live.shared_backbone import SharedBackbone
    from edge_tosca.live.triggers import parse_trigger
    from edge_tosca.service import errors_as_log_lines, set_up_logging

    if log == "json":
        set_up_logging(log)
    report = _log.info if log == "json" else _print_event

    bound_heap()
    open_learner = SharedBackbone(
        lambda: Learner.open(store, runtime=runtime, device=device, threads=threads, key_file=key_file)
    )
    with errors_as_log_lines(log):
        source = given_address(context, "--camera", camera, camera_file, CAMERA_VARIABLE)
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
        )
        when = parse_trigger(trigger)
        if source is None:
            raise typer.BadParameter(
                f"there is none; give --camera SPEC, --camera-file FILE or {CAMERA_VARIABLE}",
                ctx=context,
                param_hint="--camera",
            )
        # What is wrong at the start ends the command; what goes wrong later is waited out.
        open_learner().close()
        _follow(open_learner, source, outlets, when, frames, answers, seconds, report)


def _follow(
    open_learner: Callable[[], "Learner"],
    camera: str,
    outlets: Outlets,
    trigger: "Trigger",
    frames: int,
    answers: int | None,
    seconds: float | None,
    report: Callable[[str], None],
) -> None:
    from edge_tosca.devices.camera import Stream
    from edge_tosca.live import Live
    from edge_tosca.service import supervised
    from edge_tosca.watch import follow

    signals: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        signals.append(number)

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, stop)
    stream = Stream.of(camera, report)
    live = Live(stream, open_learner, frames, report, trigger)
    with ExitStack() as opened:
        sinks: list[Sink] = [_Lines(), *outlets.open(opened, report, live.look)]
        opened.enter_context(closing(stream))
        opened.enter_context(closing(live))
        stream.start()
        live.start()
        with supervised({"live": lambda: live.rounds}, f"watching {stream.name}"):
            follow(live, lambda: stream.stats().connected, sinks, lambda: bool(signals), answers, seconds)
        stats = stream.stats()
    if not stats.width and not signals:
        raise CameraError(_no_frame(stats, stream.name))


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

    def available(self, available: bool) -> None:
        """Print nothing: lines are for answers."""


def _print_event(event: str) -> None:
    from edge_tosca.watch.command import plain

    typer.echo(f"edge-tosca: {plain(event)}", err=True)
