"""Options of `watch` and `serve`: when to look, and who is informed of changes."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_tosca.addresses import BROKER_VARIABLE, WEBHOOK_VARIABLE
from edge_tosca.cli.addresses import given_address
from edge_tosca.errors import EdgeToscaError

if TYPE_CHECKING:
    from edge_tosca.live import Live, Place
    from edge_tosca.watch import Receiver, Sink
    from edge_tosca.watch.follower import Follower

SECRET_CREDENTIAL = "webhook-secret"
"""Credential of systemd with the webhook's secret, where no file is named."""

OnChangeOption = Annotated[
    str | None,
    typer.Option(
        "--on-change",
        metavar="CMD",
        help="Run this at each change, without a shell; it gets the answer on its stdin.",
    ),
]
OnChangeSecondsOption = Annotated[
    float, typer.Option("--on-change-seconds", min=0.1, help="Time limit of the --on-change command.")
]
MqttOption = Annotated[
    str | None,
    typer.Option(
        "--mqtt",
        metavar="URL",
        help="Publish to this broker: mqtt://user:password@host:port/prefix, or mqtts://. The password "
        "may stand in EDGE_TOSCA_MQTT_PASSWORD.",
    ),
]
MqttFileOption = Annotated[
    Path | None,
    typer.Option(
        "--mqtt-file",
        metavar="FILE",
        help=f"Holds the broker's address in one line; {BROKER_VARIABLE} does the same.",
    ),
]
WebhookOption = Annotated[
    str | None,
    typer.Option(
        "--webhook",
        metavar="URL",
        help="Post each change to this address, signed with the secret; https:// or http://.",
    ),
]
WebhookFileOption = Annotated[
    Path | None,
    typer.Option(
        "--webhook-file",
        metavar="FILE",
        help=f"Holds the webhook's address in one line; {WEBHOOK_VARIABLE} does the same.",
    ),
]
WebhookSecretOption = Annotated[
    Path | None,
    typer.Option(
        "--webhook-secret-file",
        metavar="FILE",
        help="Holds the secret that signs what the webhook sends, as from: openssl rand -hex 32.",
    ),
]
WebhookPictureOption = Annotated[
    int,
    typer.Option(
        "--webhook-picture",
        metavar="N",
        min=0,
        max=600,
        help="Send the picture, too, in at most N changes a minute; 0 for none.",
    ),
]
GpioOption = Annotated[
    str | None,
    typer.Option(
        "--look-gpio",
        metavar="LINE",
        help="Look at all regions at an edge of this line: /dev/gpiochip0:17, or with :falling or :both.",
    ),
]
TriggerOption = Annotated[
    str,
    typer.Option("--trigger", metavar="WHEN", help='When to look: always, motion, request, or "every 5s".'),
]


@dataclass(frozen=True)
class Outlets:
    """Who is informed of changes; nobody unless given.

    Attributes:
        on_change: command line; None for none.
        on_change_seconds: time limit of the command.
        broker: address of the MQTT broker; None for none.
        receiver: of the webhook; None for none.
        pictures: of the webhook, a minute.
        gpio: line whose edge asks for a look; None for none.
    """

    on_change: str | None
    on_change_seconds: float
    broker: str | None
    receiver: "Receiver | None"
    pictures: int
    gpio: str | None

    def open(
        self,
        stack: ExitStack,
        report: Callable[[str], None],
        live: "Callable[[], Live | None]",
        places: "Sequence[Place]",
    ) -> "list[Sink]":
        """Begin to take changes.

        Args:
            stack: closes what was opened.
            report: called with one line when something goes wrong or works again.
            live: returns the loop that is asked for a look; None while there is none.
            places: the regions that there are at first.

        Returns:
            The sinks.

        Raises:
            EdgeToscaError: the command, the broker's address, its files or the line cannot be used.
        """
        from edge_tosca.watch import Broker, Command, Publisher, Webhook
        from edge_tosca.watch.look_request import look_at

        def look(text: str = "") -> None:
            running = live()
            if running is not None and not look_at(running, text):
                report(f"a look was asked for at {text[:60]!r}, which is no CAMERA/REGION of this box")

        sinks: list[Sink] = []
        if self.on_change is not None:
            command = Command(self.on_change, report, self.on_change_seconds)
            sinks.append(stack.enter_context(closing(command)))
        if self.broker is not None:
            publisher = Publisher(Broker.parse(self.broker), report, places, look)
            sinks.append(stack.enter_context(closing(publisher)))
        if self.receiver is not None:
            webhook = Webhook(self.receiver, report, self.pictures)
            sinks.append(stack.enter_context(closing(webhook)))
        if self.gpio is not None:
            from edge_tosca.devices.gpio import GpioLook

            stack.enter_context(closing(GpioLook(self.gpio, look, report)))
        return sinks


def given_outlets(
    context: typer.Context,
    on_change: str | None,
    on_change_seconds: float,
    mqtt: str | None,
    mqtt_file: Path | None,
    webhook: str | None,
    webhook_file: Path | None,
    webhook_secret_file: Path | None,
    webhook_picture: int,
    look_gpio: str | None,
) -> Outlets:
    """Read who is to be informed.

    Args:
        context: of the command.
        on_change: command line.
        on_change_seconds: its time limit.
        mqtt: address of the broker.
        mqtt_file: with that address.
        webhook: address of the receiver.
        webhook_file: with that address.
        webhook_secret_file: with the secret.
        webhook_picture: pictures a minute.
        look_gpio: line whose edge asks for a look.

    Returns:
        The outlets, not opened yet.

    Raises:
        BadParameter: an address and a file with one were given.
        EdgeToscaError: the address of the receiver or its secret is missing or cannot be used.
    """
    broker = given_address(context, "--mqtt", mqtt, mqtt_file, BROKER_VARIABLE)
    url = given_address(context, "--webhook", webhook, webhook_file, WEBHOOK_VARIABLE)
    receiver = None
    if url is not None:
        from edge_tosca.watch.receiver import Receiver, read_secret

        secret_file = webhook_secret_file or _credential()
        if secret_file is None:
            raise EdgeToscaError(
                "--webhook needs a secret, by which the receiver knows the box; give --webhook-secret-file "
                "FILE, made with: openssl rand -hex 32 > FILE && chmod 600 FILE"
            )
        receiver = Receiver.parse(url, read_secret(secret_file))
    elif webhook_secret_file is not None or webhook_picture:
        raise EdgeToscaError("--webhook-secret-file and --webhook-picture need --webhook URL; give it, too")
    return Outlets(on_change, on_change_seconds, broker, receiver, webhook_picture, look_gpio)


def _credential() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    file = Path(folder or "", SECRET_CREDENTIAL)
    return file if folder and file.exists() else None


def follower_of(
    outlets: Outlets,
    store: Path,
    key_file: Path | None,
    cameras: Mapping[str, str],
    report: Callable[[str], None],
) -> "Follower":
    """Open the sinks of a server, and begin to count.

    Args:
        outlets: who is informed of changes.
        store: path of the store.
        key_file: of its key.
        cameras: name to address.
        report: called with one line when something goes wrong or works again.

    Returns:
        The follower, which the server starts and closes.

    Raises:
        EdgeToscaError: a sink cannot be opened, or the store cannot be read.
    """
    from edge_tosca.live import Place
    from edge_tosca.live.dwell import Dwell
    from edge_tosca.live.regions import read_regions, regions_of
    from edge_tosca.live.tally_writer import TallyWriter
    from edge_tosca.store.store import Store
    from edge_tosca.watch.follower import Follower

    with closing(Store.open(store, key_file)) as opened:
        regions = read_regions(opened)
    places = [Place(name, one.name) for name in cameras for one in regions_of(regions, name)]
    dwell = Dwell()

    def open_sinks(stack: ExitStack, live: "Callable[[], Live | None]") -> "list[Sink]":
        sinks = outlets.open(stack, report, live, places)
        writer = TallyWriter(dwell, lambda: Store.open(store, key_file), report)
        stack.enter_context(closing(writer))
        return sinks

    return Follower(open_sinks, dwell)
