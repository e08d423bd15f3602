"""The verb serve: the field console and its HTTP API."""

import logging
import re
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from edge_tosca.cli.addresses import CameraFileOption, CamerasOption, given_cameras
from edge_tosca.cli.event_options import (
    GpioOption,
    MqttFileOption,
    MqttOption,
    OnChangeOption,
    OnChangeSecondsOption,
    TriggerOption,
    WebhookFileOption,
    WebhookOption,
    WebhookPictureOption,
    WebhookSecretOption,
    follower_of,
    given_outlets,
)
from edge_tosca.cli.fleet_options import StrictErasureOption, WaitOption, following_fleet
from edge_tosca.cli.serve_ready import JoinWord, announce
from edge_tosca.cli.serve_tokens import TOKEN_VARIABLE, RoleWord, read_tokens, write_token
from edge_tosca.cli.terminal import (
    DeviceOption,
    KeyFileOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    fail,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import EdgeToscaError, MissingExtraError

serve_verb = Verbs()

_log = logging.getLogger("edge_tosca.console")

_LISTEN = re.compile(
    r"(?:\[(?P<bracketed>[^\]\[]+)\]|(?P<plain>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?|(?P<bare>[0-9a-fA-F]*:[0-9a-fA-F.]*:[0-9a-fA-F.:]*)"
)
"""A bare IPv6 address has no port: its last part cannot be told from one."""


@serve_verb.command()
def serve(
    context: typer.Context,
    store: StorePath,
    camera: CamerasOption = None,
    camera_file: CameraFileOption = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST[:PORT]", help="Address; any but a loopback one needs a token.")
    ] = "127.0.0.1:8600",
    token_file: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ROLE:NAME=]FILE",
            help=f"Holds the administrator's token, as {TOKEN_VARIABLE}, or a user's; repeatable.",
        ),
    ] = None,
    make_token: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a new token to a file and exit.")
    ] = None,
    role: Annotated[RoleWord | None, typer.Option(help="Of the token that is made.")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Who gets the token that is made.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key, PEM.")] = None,
    tls: Annotated[
        Literal["auto"] | None,
        typer.Option(help="Make and renew a certificate of the console's own, beside the store."),
    ] = None,
    join: Annotated[
        JoinWord, typer.Option(help="Role of a phone that reads the QR code on the terminal.")
    ] = "teach",
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another host name of this device; repeatable."),
    ] = None,
    root_path: Annotated[
        str, typer.Option(metavar="PATH", help="Path under which a proxy shows the console, as /box.")
    ] = "",
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS[/MASK]", help="Believe X-Forwarded headers from here; repeatable."),
    ] = None,
    pack_key: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Private key that signs class packs.")
    ] = None,
    on_change: OnChangeOption = None,
    mqtt: MqttOption = None,
    mqtt_file: MqttFileOption = None,
    webhook: WebhookOption = None,
    webhook_file: WebhookFileOption = None,
    webhook_secret_file: WebhookSecretOption = None,
    webhook_picture: WebhookPictureOption = 0,
    trigger: TriggerOption = "always",
    look_gpio: GpioOption = None,
    on_change_seconds: OnChangeSecondsOption = 30.0,
    frames: Annotated[int, typer.Option(min=1, max=60, help="Frames in a live answer.")] = 5,
    log: Annotated[Literal["text", "json"], typer.Option(help="Format of the log.")] = "text",
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    wait: WaitOption = 30.0,
    strict_erasure: StrictErasureOption = False,
    key_file: KeyFileOption = None,
) -> None:
    """Serve the field console: a page to teach and watch from a phone or the device's own screen."""
    if make_token is not None:
        write_token(make_token, role, name)
        return
    if role is not None or name is not None:
        fail("--role and --name describe a new token; give --make-token FILE, too")
    try:
        from edge_tosca.console.http.security import is_loopback
        from edge_tosca.console.options import Options
        from edge_tosca.console.server import run
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "fastapi", "console") from None
    from edge_tosca.service import errors_as_log_lines, set_up_logging

    set_up_logging(log)
    with errors_as_log_lines(log):
        address, port = _address(listen)
        token, tokens = read_tokens(token_file or [])
        if not is_loopback(address) and token is None and not tokens:
            raise EdgeToscaError(
                f"{listen} can be reached from other machines, so a token is needed; make one with: "
                f"edge-tosca serve {store} --make-token FILE; and give it with --token-file FILE"
            )
        if (tls_cert is None) != (tls_key is None):
            raise EdgeToscaError("TLS needs both files; give --tls-cert and --tls-key")
        if tls is not None and tls_cert is not None:
            raise EdgeToscaError("--tls auto makes the certificate; leave --tls-cert and --tls-key out")
        if not is_loopback(address) and tls_cert is None and tls is None:
            _log.warning(
                f"{listen} is served without TLS: pictures and the token can be read on the network, and a "
                "phone's own camera works over https only; give --tls auto"
            )
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
        cameras = given_cameras(context, camera, camera_file)
        with (
            following_fleet(store, key_file, wait, strict_erasure, _log.info),
            closing(follower_of(outlets, store, key_file, cameras, _log.info)) as follower,
        ):
            run(
                Options(
                    store,
                    cameras=cameras,
                    trigger=trigger,
                    follower=follower,
                    address=address,
                    port=port,
                    token=token,
                    tokens=tokens,
                    root_path=_root_path(root_path),
                    trusted_proxies=tuple(trusted_proxy or ()),
                    hosts=tuple(host or ()),
                    tls_cert=tls_cert,
                    tls_key=tls_key,
                    tls_auto=tls == "auto",
                    pack_key=pack_key,
                    frames=frames,
                    runtime=runtime,
                    device=device,
                    threads=threads,
                    key_file=key_file,
                ),
                on_ready=None if log == "json" else lambda ready: announce(ready, store, join),
            )


def _root_path(path: str) -> str:
    if path in ("", "/"):
        return ""
    if not path.startswith("/") or not path.isascii() or any(part in path for part in ("//", "?", "#", " ")):
        raise EdgeToscaError(f"--root-path {path} is not a path, as in --root-path /box")
    return path.rstrip("/")


def _address(listen: str) -> tuple[str, int]:
    from edge_tosca.console.options import DEFAULT_PORT

    parts = _LISTEN.fullmatch(listen)
    if parts is None or int(parts["port"] or 0) > 65535:
        raise EdgeToscaError(f"--listen {listen} is not HOST:PORT, as in --listen 0.0.0.0:8600")
    host = parts["bracketed"] or parts["plain"] or parts["bare"]
    return host, int(parts["port"] or DEFAULT_PORT)
