"""Serve the console until a signal ends it."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from edge_tosca.console.app import create_app
from edge_tosca.console.connections import PatientProtocol
from edge_tosca.console.options import Options
from edge_tosca.console.station import Station
from edge_tosca.errors import EdgeToscaError

HEARTBEAT_SECONDS = 1.0

GRACE_SECONDS = 5
"""For answers under way when the server is to end; streams end at once."""


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Hooks:
    """Told of the console's life, in the event loop's thread.

    Attributes:
        ready: it listens; is given the address, such as "http://127.0.0.1:8600/".
        heartbeat: each second; is given the seconds since the camera's loop last had an answer or looked for
            one, None without a camera. A console that hangs tells nothing.
        stopping: it was asked to end.
    """

    ready: Callable[[str], object] = _nothing
    heartbeat: Callable[[float | None], object] = _nothing
    stopping: Callable[[], object] = _nothing


class Server(uvicorn.Server):
    """uvicorn, with hooks, and with streams that end before connections are waited for."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, hooks: Hooks) -> None:
        super().__init__(config)
        self._app, self._hooks = app, hooks
        self._beating: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            listening = self.servers[0].sockets[0].getsockname()
            host = f"[{listening[0]}]" if ":" in listening[0] else listening[0]
            scheme = "https" if self.config.ssl_certfile else "http"
            self._hooks.ready(f"{scheme}://{host}:{listening[1]}/")
            self._beating = asyncio.create_task(self._beat())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what does not end by itself, then the rest."""
        self._hooks.stopping()
        if self._beating is not None:
            self._beating.cancel()
        self._station.streams.stopping.set()
        await super().shutdown(sockets)

    @property
    def _station(self) -> Station:
        station: Station = self._app.state.station
        return station

    async def _beat(self) -> None:
        while True:
            self._hooks.heartbeat(self._station.seconds_since_look())
            await asyncio.sleep(HEARTBEAT_SECONDS)


def run(options: Options, hooks: Hooks | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        options: what, and where.
        hooks: told of the console's life.

    Raises:
        EdgeToscaError: the address cannot be listened on, or the TLS files cannot be used.
    """
    app = create_app(options)
    with contextlib.closing(_listen(options)) as listener:
        config = uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise EdgeToscaError(
                f"{options.tls_cert}: cannot be used for TLS ({error.strerror or error}); name a certificate "
                "and its key as PEM files"
            ) from None
        server = Server(config, app, hooks or Hooks())
        asyncio.run(server.serve(sockets=[listener]))
    if app.state.fault is not None:
        raise app.state.fault


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.address, options.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise EdgeToscaError(
            f"{options.address}:{options.port} cannot be listened on ({reason}); name another with --listen"
        ) from None
    return listener
