"""The verb serve: the field console and its HTTP API."""

import logging
import os
import secrets
from pathlib import Path
from typing import Annotated, Literal

import typer

from edge_tosca.cli.terminal import (
    DeviceOption,
    KeyFileOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    fail,
    say,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import EdgeToscaError, MissingExtraError

serve_verb = Verbs()

_log = logging.getLogger("edge_tosca.console")

TOKEN_VARIABLE = "EDGE_TOSCA_TOKEN"
_MIN_TOKEN_LENGTH = 16


@serve_verb.command()
def serve(
    store: StorePath,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC", help="0, /dev/video0, rtsp://..., picamera2, a folder, or a .mjpeg file."
        ),
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Address; any but a loopback one needs a token.")
    ] = "127.0.0.1:8600",
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"Holds the token; {TOKEN_VARIABLE} does the same."),
    ] = None,
    make_token: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a new token to a file and exit.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key, PEM.")] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another host name of this device; repeatable."),
    ] = None,
    pack_key: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Private key that signs class packs.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, max=60, help="Frames in a live answer.")] = 5,
    log: Annotated[Literal["text", "json"], typer.Option(help="Format of the log.")] = "text",
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Serve the field console: a page to teach and watch from a phone or the device's own screen."""
    if make_token is not None:
        _write_token(make_token)
        return
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
        token = _token(token_file)
        if not is_loopback(address) and token is None:
            raise EdgeToscaError(
                f"{listen} can be reached from other machines, so a token is needed; make one with: "
                f"edge-tosca serve {store} --make-token FILE; and give it with --token-file FILE"
            )
        if (tls_cert is None) != (tls_key is None):
            raise EdgeToscaError("TLS needs both files; give --tls-cert and --tls-key")
        if not is_loopback(address) and tls_cert is None:
            _log.warning(
                f"{listen} is served without TLS: pictures and the token can be read on the network, and a "
                "phone's own camera works over https only; give --tls-cert and --tls-key"
            )
        run(
            Options(
                store,
                camera=camera,
                address=address,
                port=port,
                token=token,
                hosts=tuple(host or ()),
                tls_cert=tls_cert,
                tls_key=tls_key,
                pack_key=pack_key,
                frames=frames,
                runtime=runtime,
                device=device,
                threads=threads,
                key_file=key_file,
            ),
            on_ready=None if log == "json" else lambda url: say(f"{url} serves {store}; Ctrl-C ends it"),
        )


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise EdgeToscaError(f"--listen {listen} is not HOST:PORT, as in --listen 0.0.0.0:8600")
    return host, int(port)


def _token(path: Path | None) -> str | None:
    if path is None:
        token = os.environ.get(TOKEN_VARIABLE)
        where = TOKEN_VARIABLE
    else:
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise EdgeToscaError(
                f"{path}: the token cannot be read ({getattr(error, 'strerror', None) or 'not text'}); "
                "make one with --make-token"
            ) from None
        where = str(path)
    if token is not None and len(token) < _MIN_TOKEN_LENGTH:
        raise EdgeToscaError(
            f"{where}: a token has at least {_MIN_TOKEN_LENGTH} characters; make one with --make-token FILE"
        )
    return token


def _write_token(path: Path) -> None:
    token = secrets.token_urlsafe(24)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        fail(f"{path} cannot be created ({error.strerror}); name a file that does not exist yet")
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(token + "\n")
    say(f"{path} holds the token; give it to those who may use the console.")
