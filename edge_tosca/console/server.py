"""Serve the console until a signal ends it."""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from edge_tosca.console.app import create_app
from edge_tosca.console.app_state.state import AppState
from edge_tosca.console.http.connections import PatientProtocol
from edge_tosca.console.options import Options
from edge_tosca.errors import EdgeToscaError
from edge_tosca.packs import SigningKey
from edge_tosca.service import supervised
from edge_tosca.store.store import Store
from edge_tosca.system.malloc import bound_heap

_log = logging.getLogger("edge_tosca.console")

GRACE_SECONDS = 5
"""For answers under way when the server is to end; streams end at once."""


class Server(uvicorn.Server):
    """uvicorn, supervised by a service manager, with streams that end before it waits for clients."""

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, on_ready: Callable[[str], object] | None
    ) -> None:
        super().__init__(config)
        self._app, self._on_ready = app, on_ready
        self._rounds = 0
        self._supervised = contextlib.ExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            station: AppState = self._app.state.station
            url = self._url()
            heartbeats = {"server": lambda: self._rounds, **station.heartbeats()}
            self._supervised.enter_context(supervised(heartbeats, f"serving {url}"))
            _log.info("serving", extra={"url": url})
            if self._on_ready is not None:
                self._on_ready(url)

    async def on_tick(self, counter: int) -> bool:
        """Count the rounds of the event loop."""
        self._rounds += 1
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at the first signal, and take a second one for the same.

        At a second Ctrl-C uvicorn would cancel what is under way, and log that as an error. It is soon
        pressed, `timeout` sends every signal twice, and the end is bounded without it.
        """
        if not self.should_exit:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what does not end by itself, then the rest."""
        self._supervised.close()
        self._app.state.station.streams.stopping.set()
        await super().shutdown(sockets)

    def _url(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        scheme = "https" if self.config.ssl_certfile else "http"
        return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def run(options: Options, on_ready: Callable[[str], object] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        options: what, and where.
        on_ready: given the address, once it is listened on.

    Raises:
        EdgeToscaError: there is no such store, camera or key of packs, the address cannot be listened on, or
            the TLS files cannot be used.
    """
    bound_heap()
    # A store that goes later is waited for; one that is not there at the start is a slip of the pen.
    Store.open(options.store).close()
    if options.pack_key is not None:
        SigningKey.load(options.pack_key)
    app = create_app(options)
    # Its lines on each start and end say less than ours.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
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
        except OSError as error:
            raise EdgeToscaError(
                f"{options.tls_cert}: cannot be used for TLS ({error.strerror or error}); name a certificate "
                "and its key as PEM files"
            ) from None
        with _signals_that_only_end_it():
            asyncio.run(Server(config, app, on_ready).serve(sockets=[listener]))


@contextlib.contextmanager
def _signals_that_only_end_it() -> Iterator[None]:
    """Let the server end with code 0 when it is told to: uvicorn raises the signal once more at its end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
